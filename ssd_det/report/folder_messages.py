"""What is said of annotation folders that were written."""

from collections.abc import Mapping
from pathlib import Path

from ssd_det.console import say


def print_folder(json: Path, kept: int) -> None:
    """Say which file is beside a folder, and how many boxes the folder's files could not take."""
    say(f"{json}: the same as COCO json, with all that the folder cannot hold.")
    print_kept(kept)


def print_kept(kept: int) -> None:
    """Say how many boxes the files of a folder could not take, if any."""
    if kept:
        say(f"Warning: {kept} boxes stay as they were in the folder: they are polygons there, or would be empty.")


def print_dropped(target: str, dropped: Mapping[str, int]) -> None:
    """Say what was dropped since a format cannot hold it."""
    things = ", ".join(f"{count} {thing}" for thing, count in dropped.items())
    say(f"Dropped, as {target.upper()} cannot hold it: {things or 'nothing'}.")
