"""What people see on their terminal: lines as they are, and how far long work is."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from rich.console import Console
from rich.progress import track

LONG = 100_000  # entries of an annotation file: some seconds
LARGE = 20 * 2**20  # bytes of json: about a second

T = TypeVar("T")


def bar(things: Sequence[T], text: str, long: int = LONG) -> Iterable[T]:
    """Go through things, with a bar on a terminal's standard error where there are many.

    Args:
        things: to go through.
        text: what they are.
        long: how many are many.
    """
    if len(things) < long or not sys.stderr.isatty():
        return things
    return track(things, f"{text:12}", console=Console(stderr=True))


def busy(path: Path) -> AbstractContextManager[object]:
    """Say on a terminal's standard error that a file is being read, where it is large."""
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LARGE:
        return nullcontext()
    return Console(stderr=True).status(f"reading {path.name}")


def say(text: str) -> None:
    """Print a line as it is."""
    Console().print(text, highlight=False, markup=False, soft_wrap=True)


def listed(counts: dict[str, int]) -> str:
    """Counts by reason in words."""
    return ", ".join(f"{count} ({reason})" for reason, count in counts.items()) or "none"
