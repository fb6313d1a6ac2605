"""Faults of the entries themselves: names, flags and references between entries."""

import json
from collections.abc import Sequence

import numpy as np

from ssd_det.annotations.entries import EARLIER_BOXES
from ssd_det.annotations.values import is_number
from ssd_det.doctor.annotation_table import FLAGS, TEXT_FLAG, UNCLEAR_FLAG
from ssd_det.doctor.arrays import Booleans, Integers
from ssd_det.doctor.columns import NOT_FOUND, Columns
from ssd_det.doctor.faults import Fault
from ssd_det.doctor.image_faults import Headers

RARE_SHARE = 0.01  # of the annotations of the largest category


def find_malformed(columns: Columns, lost: int) -> None:
    """Find entries that are not objects, images without a file name, and categories whose name is no text.

    Args:
        columns: of the file.
        lost: how many rows and files of a folder could not be read; a list may be empty for that.
    """
    for list_name, entries in columns.entries.items():
        if not entries and not lost:
            columns.faults.append(Fault("no-entries", 1, [{"list": list_name}]))
        columns.add_fault("malformed-entry", list_name, columns.malformed[list_name])
    nameless = np.array([name is None for name in columns.file_names], dtype=bool)
    columns.add_fault("bad-file-name", "images", nameless & columns.are_objects("images"), "file_name")
    names = [entry.get("name") for entry in columns.entries["categories"]]
    numbers = np.array([written_name(name) is not None for name in names], dtype=bool)
    nameless = np.array([not isinstance(name, str) or not name for name in names], dtype=bool)
    bad = nameless & ~numbers & columns.are_objects("categories")
    columns.add_fault("bad-category-name", "categories", bad, "name")
    columns.add_fault("number-as-name", "categories", numbers, "name")


def written_name(name: object) -> str | None:
    """The text of a category's name that is a number; ``None`` for anything else."""
    return json.dumps(name) if is_number(name) else None


def find_dangling(columns: Columns) -> None:
    """Find annotations of unknown images and categories, and earlier boxes that are not boxes."""
    are_annotations = columns.are_objects("annotations")
    without_image = (columns.image_index == NOT_FOUND) & are_annotations
    columns.add_fault("unknown-image", "annotations", without_image, "image_id")
    without_category = (columns.category_index == NOT_FOUND) & are_annotations
    columns.add_fault("unknown-category", "annotations", without_category, "category_id")
    columns.add_fault("bad-earlier-box", "annotations", columns.table.bad_earlier, *EARLIER_BOXES)


def find_flags(columns: Columns) -> None:
    """Find flags that are not the numbers 0 and 1."""
    flags = columns.table.flags
    columns.add_fault("text-flag", "annotations", flags == TEXT_FLAG, *FLAGS)
    columns.add_fault("bad-flag", "annotations", flags == UNCLEAR_FLAG, *FLAGS)


def find_names(columns: Columns, headers: Headers | None) -> None:
    """Find backslashes in file names that no file has, writing slashes instead, and names that categories share."""
    literal = np.zeros(len(columns.file_names), dtype=bool) if headers is None else headers.has_backslash
    backslashes = [
        i for i, name in enumerate(columns.file_names) if name is not None and "\\" in name and not literal[i]
    ]
    columns.add_fault("backslash-in-name", "images", backslashes, "file_name")
    for index in backslashes:
        columns.file_names[index] = str(columns.file_names[index]).replace("\\", "/")
    names = [e.get("name") if isinstance(e.get("name"), str) else None for e in columns.entries["categories"]]
    columns.add_fault("repeated-category-name", "categories", _repeated(names), "name")


def find_imbalance(columns: Columns, lost: int) -> None:
    """Find categories and images with few annotations or none.

    Those that may have had some are not listed: annotations without an image or a category, or in lines that cannot be
    read, are faults of their own.

    Args:
        columns: of the file.
        lost: how many rows and files of a folder could not be read.
    """
    found = columns.kept & (columns.category_index != NOT_FOUND)
    counts = np.bincount(columns.category_index[found], minlength=len(columns.ids["categories"]))
    rare = (counts > 0) & (counts < counts.max(initial=0) * RARE_SHARE)
    columns.add_fault("rare-category", "categories", rare, "name")
    empty = _are_empty(columns.category_index, len(counts), lost)
    if not empty.all():
        columns.add_fault("empty-category", "categories", empty, "name")
    if len(columns.kept):
        empty = _are_empty(columns.image_index, len(columns.kept_images), lost) & columns.kept_images
        columns.add_fault("empty-image", "images", empty, "file_name")


def _are_empty(index: Integers, count: int, lost: int) -> Booleans:
    """Whether each of ``count`` entries has no annotation; none of them where lost ones may be in all of these."""
    found = index[index != NOT_FOUND]
    empty = np.bincount(found, minlength=count) == 0
    explained = empty.sum() <= len(index) - len(found) + lost
    return np.zeros(count, dtype=bool) if explained else empty


def _repeated(names: Sequence[str | None]) -> list[int]:
    """Indices of names that an earlier entry has."""
    seen: set[str] = set()
    indices = []
    for index, name in enumerate(names):
        if name in seen:
            indices.append(index)
        elif name is not None:
            seen.add(name)
    return indices
