"""Conventions of the command lines."""

from jsonargparse import ArgumentParser

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
