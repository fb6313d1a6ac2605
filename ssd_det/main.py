"""The command line: every command of ``ssd-det``."""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it looks for updates when it is imported

from jsonargparse import ArgumentParser

from ssd_det import __version__
from ssd_det.errors import BAD_INPUT, INTERRUPTED, InputError
from ssd_det.flags import allow_bare_flags, allow_several_words
from ssd_det.pipeline.parent import die_with_parent

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
    "apply-review": (
        "Write the final annotation file: rejected boxes go back to their originals, all else stays as refined.",
        "commands.reviewing",
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
        The exit code: 0, 1 if faults were found in annotations, 2 for bad input, or 130 if interrupted.
    """
    die_with_parent()
    if isinstance(sys.stdout, io.TextIOWrapper):  # names in files may hold characters that the terminal cannot show
        sys.stdout.reconfigure(errors="backslashreplace")
    width = max(map(len, COMMANDS)) + 2
    parser = argparse.ArgumentParser(
        prog="ssd-det",
        description="Better boxes for detection data sets, learnt from the inaccurate boxes alone.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<{width}}{text}" for name, (text, _) in COMMANDS.items())
        + "\n\nssd-det COMMAND --help says more about a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ssd-det {__version__}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="what to do, see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    chosen = parser.parse_args(args)
    try:
        return _run(chosen.command, chosen.arguments)
    except KeyboardInterrupt:
        print("ssd-det: stopped.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output has closed it; without this, Python complains at its last flush
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BAD_INPUT
    except Exception as error:
        print(f"ssd-det: error: {_sentence(error)}", file=sys.stderr)
        return BAD_INPUT


def _run(name: str, words: list[str]) -> int:
    """Run a command; a plain function returns the exit code, or nothing for 0."""
    text, module_name = COMMANDS[name]
    module = import_module(f"ssd_det.{module_name}")
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
        return function(**parser.parse_args(words).as_dict()) or 0
    return 0


def _sentence(error: Exception) -> str:
    """What to tell the user about an error; one that is not about input is raised again."""
    cause: BaseException | None = error
    while cause is not None:  # jsonargparse wraps what a constructor raises
        if isinstance(cause, InputError):
            return cause.sentence
        cause = cause.__cause__
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}: correct the path or its permissions."
    if type(error).__name__ == "MisconfigurationException":  # Lightning's, which may not have been imported
        return f"{' '.join(str(error).split())} Correct the trainer's settings."
    if _is_of_lost_process(error):
        return (
            "Another process of this command has ended, or cannot be reached any more: what it printed says why; "
            "run the command again, a training with --ckpt_path and its last checkpoint to go on from there."
        )
    raise error


def _is_of_lost_process(error: Exception) -> bool:
    """Whether torch says that processes cannot talk to each other; it may not have been imported."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    return "DistError" in kinds or (isinstance(error, RuntimeError) and "gloo/transport/" in str(error))
