"""Conventions of the command lines."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from ssd_det.foreign.shown_text import sentence_of

CONFIG_OPTIONS = ("--config", "-c")
UNSET_FOLDERS = (None, "", ".")  # of a logger, which then follows trainer.default_root_dir


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


def check_configurations(words: Sequence[str]) -> None:
    """Look at the configurations that a command line names, before a parser reads them.

    Raises:
        InputError: see :func:`ssd_det.foreign.yaml_limits.check_configuration`.
    """
    from ssd_det.foreign.yaml_limits import check_configuration  # noqa: PLC0415  # most commands need no yaml

    for index, word in enumerate(words):
        option, equals, value = word.partition("=")
        if option in CONFIG_OPTIONS and (equals or index + 1 < len(words)):
            check_configuration(Path(value if equals else words[index + 1]))


def print_errors_safely(parser: ArgumentParser) -> None:
    """Cut the values in errors of a parser, and write their control characters so that no terminal obeys them."""
    report = parser.error

    def error(message: str, ex: Exception | None = None) -> Any:
        report("\n".join(map(sentence_of, message.split("\n"))), ex)

    parser.error = error  # type: ignore[method-assign]
