"""What data.yaml and lists of images name, found in the data set: they often hold the paths of another machine."""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.paths import normal

SPLITS = ("train", "val", "valid", "validation", "test")
OTHER_NAMES = {"val": "valid", "valid": "val", "validation": "val"}
DRIVE = re.compile(r"[A-Za-z]:")


class Entry(NamedTuple):
    """A folder or a list of images that data.yaml names.

    Attributes:
        split: that it is of.
        text: as data.yaml has it.
        path: of it; ``None`` where it is not there.
        expected: where it should be.
    """

    split: str
    text: str
    path: Path | None
    expected: Path


def find_below(
    name: str, folders: Iterable[Path], dataset_root: Path, exists: Callable[[Path], bool] = Path.exists
) -> Path | None:
    """A file or folder of the data set by a name that may be the path of another machine.

    Args:
        name: as it is written, with slashes or backslashes, perhaps with folders or a drive in front.
        folders: that names start from.
        dataset_root: the folder that it must be in.
        exists: whether a path is what is looked for.

    Returns:
        Its path, ``None`` where it is not there.
    """
    folders = list(folders)
    for way in dict.fromkeys(_ways(name)):
        for folder in folders:
            path = normal(folder / way)
            if path.is_relative_to(dataset_root) and exists(path):
                return path
    return None


def find_folder(name: str, folder: Path, dataset_root: Path) -> Path | None:
    """As :func:`find_below`, of what data.yaml names; without regard to upper and lower case if it must be."""
    path = find_below(name, [folder], dataset_root)
    found = [] if path else [match for way in _ways(name) if (match := _in_any_case(folder, way)) is not None]
    return path or next((match for match in found if match.is_relative_to(dataset_root)), None)


def _in_any_case(folder: Path, way: str) -> Path | None:
    """The one path below a folder that is called so, whatever the case of its letters."""
    for part in Path(way).parts:
        matches = [child for child in folder.glob("*") if child.name.lower() == part.lower()]
        if len(matches) != 1:
            return None
        folder = matches[0]
    return folder


def _ways(name: str) -> Iterator[str]:
    """The ways to read a name, the most literal first."""
    slashed = name.replace("\\", "/")
    yield from (name, slashed)
    yield slashed.removeprefix("../")  # of some exports, which do not mean it
    parts = [part for part in slashed.split("/") if part not in ("", ".", "..") and not DRIVE.fullmatch(part)]
    splits = [index for index, part in enumerate(parts) if part.lower() in SPLITS]
    last = splits[-1] if splits else len(parts) - 1  # without its split, a path may be that of another one
    for start in range(min(last + 1, len(parts))):
        yield "/".join(parts[start:])
    if parts and splits:
        renamed = [*parts[:last], OTHER_NAMES.get(parts[last].lower(), parts[last]), *parts[last + 1 :]]
        for start in range(last + 1):
            yield "/".join(renamed[start:])


def is_of_this_folder(name: str) -> bool:
    """Whether a name is a path from the folder of data.yaml, so that it leads into any copy of it as well."""
    return not (Path(name).is_absolute() or DRIVE.match(name) or "\\" in name)
