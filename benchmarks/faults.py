"""Kill the pipeline again and again, and see whether its products are those of a run that was never stopped.

    python -m benchmarks.faults --kills 40 --seed 0

Runs are made with one and with two processes a stage, on a few drawn images and with tiny networks; all else is as in
the configurations that come with the package. Each run is killed once in the preparation, in every stage, at the end of
every training and in the report, at a moment that the seed decides, and goes on by the same command. A kill (SIGKILL)
hits the pipeline itself or any other of its processes. At the end files are compared, and whatever was left behind is
named: files, processes, shared memory.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch
import yaml

from benchmarks.killed_run import KilledRun, shared_memory
from ssd_det.main import main as ssd_det
from ssd_det.runs.layout import CHECKPOINT

CONFIGS = Path(__file__).parents[1] / "configs"
END = 0.85  # of a training, from where on it counts as its end
LATE = 1.05  # so that some kills come after the section
NOT_COMPARED = ("*.png", "stage.json", "run.json", "metrics*.csv", "results.md", ".lock*")
NETWORK = {
    "backbone": "resnet18",
    "weights": None,
    "frozen_stages": 0,
    "freeze_batch_norm": False,
    "fpn_channels": 32,
    "feature_width": 16,
    "milestones": [1],
}
REFINER = {**NETWORK, "roi_size": 2, "num_negatives": 10, "noise_steps": 4}
DETECTOR = {
    **NETWORK,
    "anchor_sizes": [8, 16, 32, 64, 128],
    "proposals": 20,
    "rois_per_image": 16,
    "shortest_side": 64,
    "longest_side": 96,
}
TRAINER = {"max_epochs": 2, "enable_progress_bar": False, "accelerator": "cpu", "log_every_n_steps": 1}


def make_inputs(folder: Path) -> list[str]:
    """Draw the data and write the configuration.

    Returns:
        The words of the pipeline, but for the output and the number of processes.
    """
    data = folder / "data"
    ssd_det(["demo-data", f"--output={data}", "--images=8", "--test_images=4"])
    noisy = folder / "noisy.json"
    ssd_det(["corrupt-annotations", str(data / "train.json"), f"--output={noisy}", "--noise_level=0.4"])
    sections = {
        "refine": {
            "config": str(CONFIGS / "refine_small.yaml"),
            "settings": {
                "model": {"init_args": REFINER},
                "data": {"init_args": {"shortest_side": 64, "longest_side": 96}},
                "trainer": TRAINER,
            },
        },
        "detect": {
            "config": str(CONFIGS / "detect.yaml"),
            "settings": {
                "model": {"init_args": DETECTOR},
                "data": {"init_args": {"batch_size": 2}},
                "trainer": TRAINER,
            },
        },
    }
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(sections))
    files = {"annotations": noisy, "image_root": data / "images", "test_annotations": data / "test.json"}
    return ["pipeline", f"--config={folder / 'pipeline.yaml'}", *(f"--{key}={path}" for key, path in files.items())]


def for_processes(words: Sequence[str], processes: int) -> list[str]:
    return [*words, *(f"--{section}.trainer.devices={processes}" for section in ("refine", "detect"))]


def moments(seconds: Mapping[str, float], draws: random.Random) -> Iterator[tuple[list[str], float]]:
    """When to kill: in each section, in their order; trainings are killed twice.

    Returns:
        The section and those after it, and how many seconds after the first of them began to kill.
    """
    sections = list(seconds)
    for index, (section, length) in enumerate(seconds.items()):
        parts = [(0, END), (END, LATE)] if section.startswith("fit") else [(0, LATE)]
        for first, last in parts:
            yield sections[index:], draws.uniform(first, last) * length


def differences(run: Path, reference: Path) -> list[str]:
    """What differs between two runs, apart from times and the marks of their attempts."""
    names, expected = ({*_names(folder)} for folder in (run, reference))
    found = [f"left behind: {name}" for name in sorted(names - expected)]
    found += [f"missing: {name}" for name in sorted(expected - names)]
    compared = [name for name in names & expected if not any(Path(name).match(kind) for kind in NOT_COMPARED)]
    return [*found, *(f"differs: {name}" for name in sorted(compared) if not _equal(run, reference, name))]


def _names(run: Path) -> Iterator[str]:
    for path in run.rglob("*"):
        name = path.relative_to(run).as_posix()
        if "wandb" not in name.split("/") and not path.match("metrics.*.csv"):
            yield name


def _equal(run: Path, reference: Path, name: str) -> bool:
    mine, theirs = run / name, reference / name
    if mine.is_dir():
        return theirs.is_dir()
    if name.endswith(CHECKPOINT):
        return _equal_checkpoints(mine, theirs)
    if name == "results.json":
        one, other = (json.loads(path.read_text()) for path in (mine, theirs))
        return {**one, "seconds": 0} == {**other, "seconds": 0}
    return mine.read_bytes().replace(bytes(run), b"") == theirs.read_bytes().replace(bytes(reference), b"")


def _equal_checkpoints(mine: Path, theirs: Path) -> bool:
    one, other = (torch.load(path, weights_only=False) for path in (mine, theirs))
    weights, expected = one["state_dict"], other["state_dict"]
    same = weights.keys() == expected.keys() and all(torch.equal(weights[key], expected[key]) for key in expected)
    return same and (one["epoch"], one["global_step"]) == (other["epoch"], other["global_step"])


def unbroken(words: list[str], folder: Path, processes: int) -> tuple[Path, dict[str, float]]:
    """A run that is never stopped: its folder, and the seconds of its sections."""
    run = KilledRun(for_processes(words, processes), folder / f"unbroken_{processes}")
    seconds = run.finish()
    times = ", ".join(f"{section} {length:.1f} s" for section, length in seconds.items())
    print(f"never stopped, {processes} {'process' if processes == 1 else 'processes'}: {times}", flush=True)
    return run.output, seconds


def left_behind(killed: KilledRun, reference: Path) -> list[str]:
    """What is wrong with a run that was killed and has come to its end."""
    return [*differences(killed.output, reference), *(f"in TMPDIR: {path.name}" for path in killed.temporary.iterdir())]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="of each stage, run after run in turn")
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    draws, started, before = random.Random(settings.seed), time.monotonic(), shared_memory()
    done, found = 0, list[list[str]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = make_inputs(folder)
        references = {processes: unbroken(words, folder, processes) for processes in settings.processes}
        print("| kill | processes | in | seconds into it | killed | how it ended | left running |")
        print("|---|---|---|---|---|---|---|")
        while done < settings.kills:
            processes = settings.processes[len(found) % len(settings.processes)]
            reference, seconds = references[processes]
            killed = KilledRun(for_processes(words, processes), folder / f"killed_{len(found)}")
            for sections, moment in islice(moments(seconds, draws), settings.kills - done):
                done += 1
                outcome = killed.kill_in(sections, moment, draws)
                print(f"| {done} | {processes} | {outcome.as_cells()} |", flush=True)
            killed.finish()
            found.append(left_behind(killed, reference))
    for number, faults in enumerate(found, start=1):
        print(f"run {number}: {'; '.join(faults) or 'products equal, nothing left behind'}")
    shared = sorted(shared_memory() - before)
    print(f"shared memory left behind: {', '.join(shared) or 'none'}")
    print(f"{done} kills, {time.monotonic() - started:.0f} s")
    return int(any(found) or bool(shared))


if __name__ == "__main__":
    sys.exit(main())
