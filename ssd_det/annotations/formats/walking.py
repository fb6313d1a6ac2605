"""Listing the files of a dataset folder."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk(folder: Path, suffixes: tuple[str, ...], above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """The files with these suffixes below a folder, in the order of their names, hidden ones left out.

    Args:
        folder: a folder; symbolic links in it are followed.
        suffixes: in lower case.
        above: the folders that it is below, without links, so that a link back to one of them is not followed.
    """
    real = folder.resolve()
    if real in above:
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    entries = [entry for entry in entries if not is_hidden(entry.name)]
    folders = [entry.name for entry in entries if entry.is_dir()]
    for entry in entries:
        if entry.name.lower().endswith(suffixes) and not entry.is_dir():
            yield folder / entry.name
    for name in folders:
        yield from walk(folder / name, suffixes, above | {real})


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is hidden."""
    return name.startswith(".")
