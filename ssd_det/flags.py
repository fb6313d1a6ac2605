"""Conventions of the command lines and of configurations."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from ssd_det.foreign.shown_text import sentence_of

CONFIG_OPTIONS = ("--config", "-c")
UNSET_FOLDERS = (None, "", ".")  # of a logger, which then follows trainer.default_root_dir
FOLDERS_OF_CLASSES = {
    "save_dir": "",
    "dirpath": None,
}  # of loggers, ModelCheckpoint, profilers: what unsets them


def allow_bare_flags(parser: ArgumentParser) -> None:
    """Let ``--flag`` alone mean ``--flag true``."""
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:
            action.nargs, action.const = "?", True


def allow_several_words(parser: ArgumentParser) -> None:
    """Let a positional list take several words."""
    for action in parser._actions:
        if not action.option_strings and getattr(action, "_typehint", None) == list[str]:
            action.nargs, action.metavar = "+", action.dest
            vars(action)["_typehint"] = str


def leave_out_folders(trainer: Any) -> None:
    """Take the folders out of the settings of a trainer, so that a training with them does not write into these again.

    Args:
        trainer: a dict, or jsonargparse's Namespace; is changed.
    """
    trainer["default_root_dir"] = None
    for name in ("logger", "callbacks", "profiler"):
        setting = trainer.get(name)
        for entry in setting if isinstance(setting, list) else [setting]:
            arguments = entry.get("init_args") if hasattr(entry, "get") else None
            for folder, unset in FOLDERS_OF_CLASSES.items():
                if arguments is not None and arguments.get(folder) is not None:
                    arguments[folder] = unset


def check_configurations(words: Sequence[str]) -> None:
    """Look at the configurations that a command line names, before a parser reads them.

    Raises:
        InputError: see :func:`ssd_det.foreign.yaml_limits.check_configuration`.
    """
    from ssd_det.foreign.yaml_limits import check_configuration  # noqa: PLC0415  # most commands need no yaml

    for word, following in pairwise([*words, ""]):
        option, equals, value = word.partition("=")
        named = value if equals else following
        if option in CONFIG_OPTIONS and named and not named.lstrip().startswith("{"):  # else the text of one
            check_configuration(Path(named))


def print_errors_safely(parser: ArgumentParser) -> None:
    """Cut the values in errors of a parser, and write their control characters so that no terminal obeys them."""
    report = parser.error

    def error(message: str, ex: Exception | None = None) -> Any:
        report("\n".join(map(sentence_of, message.split("\n"))), ex)

    parser.error = error  # type: ignore[method-assign]
