"""Listing the files of a dataset folder."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files with these suffixes below a folder, in the order of their names, hidden ones left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not is_hidden(name):
                yield Path(parent, name)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden."""
    return name.startswith(".")
