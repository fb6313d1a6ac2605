"""CPU time of commands that are forked from one process, and of the same commands started anew, in turn.

The command prints the configuration of a training, which costs little beside its start.
"""

import argparse
import resource
import statistics

from ssd_det.starting import starter

WORDS = ("fit", "--data.annotations=a", "--data.image_root=b", "--print_config")


def cpu_seconds(commands: int, forked: bool) -> float:
    """What a number of commands cost together, with the process that they are forked from."""
    starter.CAN_FORK = forked
    before = _spent()
    with starter.Starter() as starting:
        for _ in range(commands):
            finished = starting.run(WORDS)
            assert finished.code == 0, finished.errors
    return _spent() - before


def _spent() -> float:
    """CPU time of all processes that this one has started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--commands", type=int, nargs="+", default=[1, 4], help="how many are started")
    parser.add_argument("--runs", type=int, default=3, help="how often each number is")
    options = parser.parse_args()
    for commands in options.commands:
        both = [[cpu_seconds(commands, forked) for forked in (True, False)] for _ in range(options.runs)]
        forked, anew = (statistics.median(times) for times in zip(*both, strict=True))
        print(f"{commands} commands: {forked:.1f} s forked, {anew:.1f} s started anew", flush=True)


if __name__ == "__main__":
    main()
