"""Habits of our command lines."""

from jsonargparse import ArgumentParser

UNSET_FOLDERS = (None, "", ".")  # of a logger: it follows trainer.default_root_dir


def allow_bare_flags(parser: ArgumentParser) -> None:
    """Let ``--flag`` alone mean ``--flag true``."""
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:
            action.nargs, action.const = "?", True
