"""What is said of annotation folders that were written."""

from collections.abc import Mapping
from pathlib import Path

from ssd_det.console import say


def print_folder(json: Path, kept: int) -> None:
    """Say what is beside a folder, and how many boxes its files could not take."""
    say(f"{json}: the same as COCO json, with all that the folder cannot hold.")
    print_kept(kept)


def print_kept(kept: int) -> None:
    """Say how many boxes the files of a folder could not take, if any."""
    if kept:
        say(f"Warning: {kept} boxes stay as they were in the folder: they are polygons there, or would be empty.")


def print_unheld(target: str, unheld: Mapping[str, int]) -> None:
    """Say what a format cannot hold."""
    things = ", ".join(f"{count} {thing}" for thing, count in unheld.items())
    say(f"Not held by {target.upper()}: {things or 'nothing'}.")
