"""The command line: every command of ``ssd-det``."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would look for updates when it is imported

from jsonargparse import ArgumentParser
from lightning.fabric.utilities.exceptions import MisconfigurationException

from ssd_det import __version__, commands
from ssd_det.cli import RefineCLI, allow_bare_flags
from ssd_det.errors import InputError

Runner = Callable[[list[str]], object]

BAD_INPUT = 2


def main(args: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        args: the words of the command line; those of the process where not given.

    Returns:
        The exit code: 0, or 2 for bad input.
    """
    runners = _runners()
    width = max(map(len, runners)) + 2
    parser = argparse.ArgumentParser(
        prog="ssd-det",
        description="Better boxes for detection data sets, learnt from the inaccurate boxes alone.",
        epilog="commands:\n"
        + "\n".join(f"  {name:<{width}}{text}" for name, (text, _) in runners.items())
        + "\n\nssd-det COMMAND --help says more of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ssd-det {__version__}")
    parser.add_argument("command", choices=runners, metavar="COMMAND", help="what to do, see below")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="...", help="its arguments")
    chosen = parser.parse_args(args)
    try:
        runners[chosen.command][1](chosen.arguments)
    except (InputError, OSError, MisconfigurationException) as error:
        print(f"ssd-det: error: {_sentence(error)}", file=sys.stderr)
        return BAD_INPUT
    return 0


def _sentence(error: Exception) -> str:
    """What to tell the user of an error; one that is no matter of input is raised again."""
    if isinstance(error, InputError):
        return error.sentence
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}: correct the path or its rights."
    if isinstance(error, MisconfigurationException):
        return f"{' '.join(str(error).split())} Correct the trainer's settings."
    raise error


def _runners() -> dict[str, tuple[str, Runner]]:
    """Every command by name: what it does in a line, and how to run it."""
    runners: dict[str, tuple[str, Runner]] = {
        name: (text, partial(_run_lightning, name)) for name, text in RefineCLI.COMMANDS.items()
    }
    for function in commands.COMMANDS:
        name = function.__name__.replace("_", "-")
        runners[name] = (_first_line(function), partial(_run_function, name, function))
    return runners


def _run_lightning(name: str, arguments: list[str]) -> None:
    # A hyphen in the name of a LightningCLI subcommand fails.
    RefineCLI([name.replace("-", "_"), *arguments])


def _run_function(name: str, function: Callable[..., object], arguments: list[str]) -> None:
    """Run a typed function; its keyword-only parameters are options."""
    parser = ArgumentParser(prog=f"ssd-det {name}", description=_first_line(function))
    parser.add_function_arguments(function, as_positional=True)
    allow_bare_flags(parser)
    function(**parser.parse_args(arguments).as_dict())


def _first_line(function: Callable[..., object]) -> str:
    return (function.__doc__ or "").strip().splitlines()[0]
