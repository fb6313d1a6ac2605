"""Faults of ids: texts, none at all, and those that several entries share."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_ID, free_ids
from ssd_det.doctor.arrays import Booleans, Integers
from ssd_det.doctor.columns import NOT_FOUND, REFERENCES, SINGULAR, Columns, ListName
from ssd_det.doctor.entry_ids import NO_ID

NAMES = ("file_name", "name")  # that tell people which entry it is


def find_ids(columns: Columns) -> None:
    """Find ids that are texts, and ids that are missing or no whole numbers; the columns have numbers for both."""
    texts: dict[ListName, tuple[Booleans, Sequence[str]]] = {}
    bad: dict[ListName, tuple[Booleans, Sequence[str]]] = {}
    for list_name, entries in columns.entries.items():
        is_text = _are_texts(entries, "id", columns.file_ids[list_name])
        texts[list_name] = is_text, NAMES
        bad[list_name] = (columns.file_ids[list_name] == NO_ID) & ~is_text & columns.are_objects(list_name), NAMES
    texts["annotations"] = texts["annotations"][0] | _refer_by_text(columns), REFERENCES
    columns.add_fault_of_lists("text-id", texts)
    columns.add_fault_of_lists("bad-id", bad)


def _refer_by_text(columns: Columns) -> Booleans:
    """Whether an annotation's image or category is in the file, and is referred to by a text."""
    marks = np.zeros(len(columns.kept), dtype=bool)
    for key, index in zip(REFERENCES, (columns.image_index, columns.category_index), strict=True):
        is_text = _are_texts(columns.entries["annotations"], key, columns.file_references[key])
        marks |= is_text & (index != NOT_FOUND)
    return marks


def _are_texts(entries: Sequence[JsonObject], key: str, numbers: Integers) -> Booleans:
    """Whether entries that have no whole number under a key have a text there, which is not empty."""
    marks = np.zeros(len(entries), dtype=bool)
    for index in np.flatnonzero(numbers == NO_ID).tolist():
        value = entries[index].get(key)
        marks[index] = isinstance(value, str) and value != ""
    return marks


def find_reused_ids(columns: Columns) -> None:
    """Find ids that several entries share, and annotations with the id 0; give such annotations new ids."""
    for list_name, ids in columns.ids.items():
        if list_name != "annotations":
            reused = _repeats_earlier(ids)
            columns.add_fault(f"reused-{SINGULAR[list_name]}-id", list_name, reused, *NAMES)
    ids = columns.ids["annotations"]
    reused = _repeats_earlier(ids) & columns.kept
    zero = (ids == 0) & columns.kept & ~reused
    columns.add_fault("reused-annotation-id", "annotations", reused)
    columns.add_fault("id-zero", "annotations", zero)
    renumbered = reused | zero
    if renumbered.any():
        columns.ids["annotations"] = ids.copy()
        columns.ids["annotations"][renumbered] = _unused_ids(ids, int(renumbered.sum()))


def _repeats_earlier(ids: Integers) -> Booleans:
    """Whether an id is that of an earlier entry."""
    _, first = np.unique(ids, return_index=True)
    later = np.ones(len(ids), dtype=bool)
    later[first] = False
    return np.asarray(later & (ids != NO_ID))


def _unused_ids(ids: Integers, count: int) -> list[int]:
    """Ids that no entry has, from the one above the largest where there is room, else the lowest."""
    largest = int(ids.max())
    if 0 <= largest <= MAX_ID - count:
        return list(range(largest + 1, largest + 1 + count))
    return list(islice(free_ids(set(ids.tolist())), count))
