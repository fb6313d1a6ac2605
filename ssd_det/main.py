"""The command line: every command of ``ssd-det``."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it looks for updates when it is imported
# Threads of torch that wait would keep cores busy that other processes need, those they wait for included. GNU's
# runtime lets them look a few microseconds before they sleep, as waking takes longer than most waits.
if "OMP_WAIT_POLICY" not in os.environ:
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    os.environ.setdefault("GOMP_SPINCOUNT", "2000")
# Those of NumPy, SciPy and OpenCV would compete with them.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OPENCV_FOR_THREADS_NUM", "1")
# Large arrays of NumPy would wait for huge pages, for which a system that has run for long moves memory about.
os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")

from jsonargparse import ArgumentParser

from ssd_det import __version__
from ssd_det.batches.worker_faults import why_worker_ended
from ssd_det.errors import BAD_INPUT, InputError
from ssd_det.flags import allow_bare_flags, allow_several_words, print_errors_safely
from ssd_det.foreign.shown_text import cut, sentence_of
from ssd_det.starting.modules import imported
from ssd_det.starting.parent import PARENT, die_with_parent
from ssd_det.starting.threads import NO_THREADS, REFUSED
from ssd_det.stopping import CODE_OF_SIGNALS, Stopped, StopSignals, is_first_process
from ssd_det.write_errors import NO_ROOM, cannot_be_written

SIGPIPE = 13  # which Windows does not have

# What is said of errors that begin so: those of Python on threads, of torch on a norm over the only cell of a map.
SENTENCES = {
    REFUSED: NO_THREADS,
    "Expected more than 1 value per channel": (
        "The only image of a step is too small to normalise its features: raise shortest_side and longest_side, or "
        "data.batch_size."
    ),
}

# What each command does, and the module that is imported when it runs, as torch takes seconds to import.
COMMANDS = {
    "init": ("Look at data and machine, and write a configuration of the pipeline that fits both.", "setup.init"),
    "pipeline": (
        "Refine boxes, train a detector on them and test it; goes on where it was stopped.",
        "pipeline.pipeline",
    ),
    "report": (
        "Show what refining has changed, on a page to review it on, and what a run of the pipeline has reached.",
        "commands.reporting",
    ),
    "fit": ("Train the refiner on noisy boxes, a detector on any boxes, or both together.", "cli"),
    "refine-annotations": ("Write an annotation file with refined boxes.", "cli"),
    "validate": (
        "Measure a refiner, without true boxes, on images kept aside from its training, or a detector on true boxes.",
        "cli",
    ),
    "test": ("Measure a trained detector on true boxes.", "cli"),
    "predict": ("Write what a trained detector finds as COCO results.", "cli"),
    "export-detector": ("Write the detector of a joint model as a checkpoint of its own.", "commands.exporting"),
    "check-annotations": (
        "Check an annotation file and its images, name what is wrong, and fix what can be fixed.",
        "doctor.check",
    ),
    "compare-annotations": ("Measure boxes against true ones, before and after refining.", "commands.comparing"),
    "draw-annotations": (
        "Draw original, refined and, where known, true boxes into the images where boxes moved most.",
        "commands.comparing",
    ),
    "choose-boxes": (
        "Write a page with the boxes that tell most of all others, to be corrected or found right by a person.",
        "commands.choosing",
    ),
    "apply-review": (
        "Write the final annotation file: trusted boxes are put in, rejected ones go back, all else stays as it is.",
        "commands.reviewing",
    ),
    "correct-annotations": (
        "Put trusted boxes into an annotation file, and take out of all others what these show to be shared.",
        "commands.correcting",
    ),
    "corrupt-annotations": ("Add noise to the boxes of an annotation file, to try refining on.", "commands.corrupting"),
    "true-annotations": (
        "Write an annotation file with the true boxes that a noisy one carries.",
        "commands.corrupting",
    ),
    "merge-annotations": ("Put several annotation files of one folder of images together.", "commands.datasets"),
    "split-annotations": (
        "Divide an annotation file by images, with the same share of each category in every part.",
        "commands.datasets",
    ),
    "convert-annotations": (
        "Turn annotations into COCO, YOLO or Pascal VOC, or put boxes into a copy of a folder of these.",
        "commands.datasets",
    ),
    "convert-voc": ("Turn a split of a Pascal VOC tree into a COCO annotation file.", "commands.datasets"),
    "demo-data": ("Draw a small detection data set with true boxes, to try everything on.", "commands.datasets"),
    "configs": ("Write out the configurations that come with the package.", "commands.shipping"),
}


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        args: the words of the command line; those of the process where not given.

    Returns:
        The exit code: 0, 1 if faults were found in annotations, 2 for bad input, or, if a signal stopped it, 128 and
        the number of that: 130 for SIGINT (Ctrl-C), 143 for SIGTERM, 129 for SIGHUP, and 141 where nobody reads what
        it prints any more, as of other tools.
    """
    die_with_parent()
    _open_closed_streams()
    os.environ["PYTHONSAFEPATH"] = "1"  # nothing that this starts imports what lies in the working folder
    if isinstance(sys.stdout, io.TextIOWrapper):  # names in files may hold characters that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    width = max(map(len, COMMANDS)) + 2
    parser = argparse.ArgumentParser(
        prog="ssd-det",
        usage="ssd-det [-h] [--version] COMMAND ...",
        description="Better boxes for detection data sets, learnt from the inaccurate boxes alone.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<{width}}{text}" for name, (text, _) in COMMANDS.items())
        + "\n\nssd-det COMMAND --help says more about a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ssd-det {__version__}")
    parser.add_argument("command", nargs="?", metavar="COMMAND", help="what to do, see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    print_errors_safely(parser)
    chosen = parser.parse_args(args)
    with StopSignals() as signals:
        try:
            code = _run_with_sentences(chosen.command, chosen.arguments)
        except Stopped as stop:
            return _stopped(stop)
        except Exception:
            if signals.received is None:
                raise
        if signals.received is not None:  # a library has swallowed what the signal raised, or failed because of it
            return _stopped(Stopped(signals.received))
    return code


def _open_closed_streams() -> None:
    """Let what is printed go nowhere where a stream is closed, whose number the next file would get otherwise."""
    for name in ("stdin", "stdout", "stderr"):  # in the order of their numbers
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("r" if name == "stdin" else "w"))  # noqa: SIM115


def _stopped(stop: Stopped) -> int:
    """Say that a signal stopped the command, unless another process says so; returns the exit code."""
    if is_first_process() and PARENT not in os.environ:
        print(f"ssd-det: {stop.sentence}", file=sys.stderr)
    return CODE_OF_SIGNALS + stop.number


def _run_with_sentences(name: str | None, words: list[str]) -> int:
    """Run a command; what a user can correct ends in one sentence."""
    try:
        code = _run(name, words)
        sys.stdout.flush()  # here, what cannot be written ends in a sentence
        return code
    except BrokenPipeError:  # the reader of our output has closed it
        _leave_out_the_rest()
        return CODE_OF_SIGNALS + SIGPIPE
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
            _leave_out_the_rest()
        print(f"ssd-det: error: {sentence_of(_sentence(error))}", file=sys.stderr)
        return BAD_INPUT


def _leave_out_the_rest() -> None:
    """Let what is still to be printed go nowhere, as Python would complain at its last flush."""
    with suppress(ValueError):  # a stream that is no file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _check_working_folder() -> None:
    """Make sure that there is a working folder: libraries that are imported look for it, and end the process.

    Raises:
        InputError: if it was removed.
    """
    try:
        Path.cwd()
    except OSError:
        raise InputError("The working folder has been removed: change to one that exists, and try again.") from None


def _check_command(name: str | None) -> str:
    """Make sure that there is a command of this name.

    Raises:
        InputError: if there is none; it suggests one.
    """
    if not name:
        raise InputError("No command is given: give one (see ssd-det --help).")
    if name not in COMMANDS:
        begun = [command for command in COMMANDS if command.startswith(name)]
        (suggested, *_) = [*begun, *get_close_matches(name, COMMANDS), "another"]
        raise InputError(f"{cut(name)} is no command: give {suggested} (see ssd-det --help).")
    return name


def _run(command: str | None, words: list[str]) -> int:
    """Run a command; a plain function returns the exit code, or nothing for 0."""
    name = _check_command(command)
    _check_working_folder()
    text, module_name = COMMANDS[name]
    (module,) = imported(f"ssd_det.{module_name}")
    # A hyphen in the name of a LightningCLI subcommand fails.
    function_name = name.replace("-", "_")
    if module_name == "cli":
        module.SSDDetCLI([function_name, *words])
    elif hasattr(module, "main"):
        module.main(words)
    else:
        function = getattr(module, function_name)
        parser = ArgumentParser(prog=f"ssd-det {name}", description=text)
        parser.add_function_arguments(function, as_positional=True)
        allow_bare_flags(parser)
        allow_several_words(parser)
        print_errors_safely(parser, name)
        return function(**parser.parse_args(words).as_dict()) or 0
    return 0


def _sentence(error: Exception) -> str:
    """What to tell the user about an error; one that is not about input is raised again."""
    cause: BaseException | None = error
    while cause is not None:  # jsonargparse wraps what a constructor raises
        if isinstance(cause, InputError):
            return cause.sentence
        if (sentence := why_worker_ended(cause)) is not None:
            return sentence
        if type(cause).__name__ == "MisconfigurationException":  # Lightning's, which may not have been imported
            return f"{' '.join(str(cause).split()).rstrip('.')}: correct the trainer's settings."
        if isinstance(cause, RuntimeError | ValueError):
            known = (sentence for start, sentence in SENTENCES.items() if str(cause).startswith(start))
            if (sentence := next(known, None)) is not None:
                return sentence
        cause = cause.__cause__
    if isinstance(error, OSError) and (error.filename is not None or error.errno in NO_ROOM):
        return _sentence_of_file(error)
    if _is_of_lost_process(error):
        return (
            "Another process of this command has ended, or cannot be reached any more: what it printed says why; "
            "run the command again, a training with --ckpt_path and its last checkpoint to go on from there."
        )
    raise error


def _sentence_of_file(error: OSError) -> str:
    """What to tell the user about a file that the system refuses."""
    if error.filename is None:
        temporary = os.environ.get("TMPDIR", "/tmp")
        return (
            f"A temporary file in {temporary}, or what is printed, cannot be written ({error.strerror}): "
            f"make room there, and give the command again."
        )
    if error.errno in NO_ROOM:
        return cannot_be_written(error.filename, error, advice="and give the command again").sentence
    return f"{error.filename}: {error.strerror}: correct the path or its permissions."


def _is_of_lost_process(error: Exception) -> bool:
    """Whether torch says that processes cannot talk to each other; it may not have been imported."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return "DistError" in kinds or (isinstance(error, RuntimeError) and "gloo/transport/" in str(error))
