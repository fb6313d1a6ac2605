"""Conventions of the command lines and of configurations."""

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentParser

from ssd_det.errors import BAD_INPUT
from ssd_det.foreign.parser_messages import refusal_of
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

    for path in _configurations(words):
        check_configuration(path)


def _configurations(words: Sequence[str]) -> Iterator[Path]:
    for word, following in pairwise([*words, ""]):
        option, equals, value = word.partition("=")
        named = value if equals else following
        if option in CONFIG_OPTIONS and named and not named.lstrip().startswith("{"):  # else the text of one
            yield Path(named)


def source_of(key: str, words: Sequence[str]) -> str:
    """The configuration that a setting is from, as the beginning of a sentence; empty where it is from none.

    Args:
        key: its dotted name, without ``init_args``.
        words: of a command line whose configurations were looked at.
    """
    import yaml  # noqa: PLC0415  # as above

    from ssd_det.foreign.yaml_limits import PlainLoader  # noqa: PLC0415

    names = key.split(".")
    options = [word.partition("=")[0].removeprefix("--").replace("init_args", "").strip(".") for word in words]
    if not key or any(names[: len(option.split("."))] == option.split(".") for option in options):
        return ""
    for path in reversed([*_configurations(words)]):
        if _has(yaml.load(path.read_text(encoding="utf-8-sig"), Loader=PlainLoader), names):
            return f"{path}: "
    return ""


def _has(content: Any, names: Sequence[str]) -> bool:
    """Whether a configuration sets something; the settings of a class are one level deeper."""
    if not names:
        return True
    if isinstance(content, list):
        return any(_has(entry, names) for entry in content)
    if not isinstance(content, dict):
        return False
    return (names[0] in content and _has(content[names[0]], names[1:])) or _has(content.get("init_args"), names)


def print_errors_safely(parser: argparse.ArgumentParser, command: str = "", words: Sequence[str] = ()) -> None:
    """Let an error of a parser be one sentence that no terminal obeys, with the configuration that it is about.

    Args:
        parser: whose errors end the command.
        command: what was called, ``fit``; empty before it is known.
        words: of the command line.
    """
    report: Any = parser.error

    def error(message: str, ex: Exception | None = None) -> Any:
        if not parser.exit_on_error:
            report(message, ex)
        refusal = refusal_of(message, f"ssd-det {command}".rstrip())
        sentence = sentence_of(f"{source_of(refusal.key, words)}{refusal.sentence}.")
        parser.exit(BAD_INPUT, f"ssd-det: error: {sentence}\n")

    parser.error = error  # type: ignore[method-assign]
