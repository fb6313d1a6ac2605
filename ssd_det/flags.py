"""Conventions of the command lines and of configurations."""

from typing import Any

from jsonargparse import ArgumentParser

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
