"""Output on a terminal: lines of text, and the progress of long work."""

import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TypeVar

from rich.console import Console, ConsoleOptions, RenderableType
from rich.markup import escape
from rich.progress import track
from rich.segment import Segment

from ssd_det.foreign.shown_text import escaped, lines_of, sentence_of

LONG = 100_000  # entries of an annotation file; they take some seconds
LARGE = 20 * 2**20  # bytes of json; reading them takes about a second

T = TypeVar("T")


class SafeConsole(Console):
    """A console on which texts of files cannot do more than be read: their control characters are escaped."""

    def on_broken_pipe(self) -> None:
        """Leave it to the command line what to do where nobody reads any more; rich would exit with 1."""
        raise BrokenPipeError

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The pieces of text to print."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else lines_of(text), style, control)


def bar(items: Sequence[T], text: str, long: int = LONG) -> Iterable[T]:
    """Iterate over items, with a progress bar on standard error if that is a terminal and they are many.

    Args:
        items: to iterate over.
        text: what they are.
        long: the number of items from which on the bar is shown.
    """
    if len(items) < long or not sys.stderr.isatty():
        return items
    return track(items, f"{text:12}", console=Console(stderr=True))


def busy(path: Path) -> AbstractContextManager[object]:
    """Say on standard error that a file is being read, if that is a terminal and the file is large."""
    if not sys.stderr.isatty() or not path.is_file() or path.stat().st_size < LARGE:
        return nullcontext()
    return Console(stderr=True).status(f"reading {escape(escaped(path.name))}")


def say(text: str) -> None:
    """Print a line, without wrapping or markup; control characters are written as Python writes them."""
    SafeConsole().print(escaped(text), highlight=False, markup=False, soft_wrap=True)


def show(renderable: RenderableType) -> None:
    """Print a table or the like."""
    SafeConsole().print(renderable)


def warn(text: str) -> None:
    """Print a warning on standard error, a line without wrapping or markup."""
    print(f"Warning: {sentence_of(text)}", file=sys.stderr)


def listed(counts: dict[str, int]) -> str:
    """Counts by reason in words: ``3 (crowd), 1 (difficult)``."""
    return ", ".join(f"{count} ({reason})" for reason, count in counts.items()) or "none"


def duration(seconds: float) -> str:
    """A time to plan with: about 3 minutes, about 2.5 hours."""
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 1.5 * unit:
            amount = seconds / unit
            return f"about {amount:.0f} {name}" if amount >= 10 or unit == 60 else f"about {amount:.1f} {name}"
    return f"about {seconds:.0f} seconds" if seconds >= 1.5 else "about a second"
