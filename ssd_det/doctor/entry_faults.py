"""Faults of the entries themselves: ids, names, flags and what refers to what."""

import itertools
from collections.abc import Sequence
from itertools import islice

import numpy as np

from ssd_det.annotations.values import MAX_ID, is_box
from ssd_det.doctor.columns import NO_ID, NOWHERE, SINGULAR, Booleans, Group, Integers, Tables
from ssd_det.doctor.faults import Fault

FLAGS = ("iscrowd", "difficult")
EARLIER_BOXES = ("true_bbox", "original_bbox")
FLAG_TYPES = {bool, int, float}
NUMBER_OF_TEXT = {"0": 0, "1": 1, "false": 0, "true": 1}


def find_malformed(tables: Tables) -> None:
    """Find what is no object, or has no id, size or name."""
    for group, entries in tables.entries.items():
        if not entries:
            tables.faults.append(Fault("no-entries", 1, [{"list": group}]))
        tables.note("malformed-entry", group, tables.malformed[group])
        tables.note("bad-id", group, (tables.ids[group] == NO_ID) & ~_malformed(tables, group))
    categories = tables.entries["categories"]
    are_images = ~_malformed(tables, "images")
    nameless = np.array([name is None for name in tables.file_name], dtype=bool)
    tables.note("bad-file-name", "images", nameless & are_images, "file_name")
    tables.note("bad-image-size", "images", np.isnan(tables.size[:, 0]) & are_images, "file_name", "width", "height")
    nameless = np.array([not isinstance(e.get("name"), str) or not e["name"] for e in categories], dtype=bool)
    tables.note("bad-category-name", "categories", nameless & ~_malformed(tables, "categories"), "name")


def find_reused_ids(tables: Tables) -> None:
    """Find ids that are there more than once, and give later annotations new ones."""
    for group, ids in tables.ids.items():
        reused = _later(ids)
        if group == "annotations":
            reused &= tables.kept
        tables.note(f"reused-{SINGULAR[group]}-id", group, reused, "file_name", "name")
        if group == "annotations" and reused.any():
            free = _free_ids(ids, int(reused.sum()))
            tables.ids[group] = ids.copy()
            tables.ids[group][reused] = free


def find_dangling(tables: Tables) -> None:
    """Find annotations of unknown images and categories, and boxes that are none."""
    are_some = ~_malformed(tables, "annotations")
    tables.note("unknown-image", "annotations", (tables.image == NOWHERE) & are_some, "image_id")
    tables.note("unknown-category", "annotations", (tables.category == NOWHERE) & are_some, "category_id")
    tables.note("bad-box", "annotations", np.isnan(tables.box[:, 0]) & are_some, "bbox")
    annotations = tables.entries["annotations"]
    bad = [
        place
        for place, entry in enumerate(annotations)
        if any(entry.get(key) is not None and not is_box(entry[key]) for key in EARLIER_BOXES)
    ]
    tables.note("bad-earlier-box", "annotations", bad, *EARLIER_BOXES)


def find_flags(tables: Tables) -> None:
    """Find flags that are no numbers 0 and 1."""
    texts: list[int] = []
    others: list[int] = []
    for place, entry in enumerate(tables.entries["annotations"]):
        values = [entry.get(key) for key in FLAGS]
        odd = [value for value in values if value is not None and not (type(value) in FLAG_TYPES and value in {0, 1})]
        if odd:
            mendable = all(isinstance(value, str) and value.lower() in NUMBER_OF_TEXT for value in odd)
            (texts if mendable else others).append(place)
    tables.note("text-flag", "annotations", texts, *FLAGS)
    tables.note("bad-flag", "annotations", others, *FLAGS)


def find_names(tables: Tables) -> None:
    """Find backslashes in file names, and names that are there more than once."""
    backslashes = [place for place, name in enumerate(tables.file_name) if name is not None and "\\" in name]
    tables.note("backslash-in-name", "images", backslashes, "file_name")
    for place in backslashes:
        tables.file_name[place] = str(tables.file_name[place]).replace("\\", "/")
    tables.note("repeated-file-name", "images", _repeated(tables.file_name), "file_name")
    names = [e.get("name") if isinstance(e.get("name"), str) else None for e in tables.entries["categories"]]
    tables.note("repeated-category-name", "categories", _repeated(names), "name")


def find_imbalance(tables: Tables) -> None:
    """Find categories and images with few annotations or none."""
    counts = np.bincount(
        tables.category[tables.kept & (tables.category != NOWHERE)], minlength=len(tables.ids["categories"])
    )
    tables.note("rare-category", "categories", (counts > 0) & (counts < counts.max(initial=0) * 0.01), "name")
    if counts.any():
        tables.note("empty-category", "categories", counts == 0, "name")
    used = tables.image[tables.kept & (tables.image != NOWHERE)]
    empty = np.bincount(used, minlength=len(tables.ids["images"])) == 0
    tables.note("empty-image", "images", empty, "file_name")


def _malformed(tables: Tables, group: Group) -> Booleans:
    marks = np.zeros(len(tables.entries[group]), dtype=bool)
    marks[tables.malformed[group]] = True
    return marks


def _later(ids: Integers) -> Booleans:
    """Whether an id is that of an earlier entry."""
    _, first = np.unique(ids, return_index=True)
    later = np.ones(len(ids), dtype=bool)
    later[first] = False
    return np.asarray(later & (ids != NO_ID))


def _free_ids(ids: Integers, count: int) -> list[int]:
    """So many ids that no entry has, from the one above the largest on where there is room."""
    largest = int(ids.max())
    if largest <= MAX_ID - count:
        return list(range(largest + 1, largest + 1 + count))
    taken = set(ids.tolist())
    return list(islice((number for number in itertools.count(1) if number not in taken), count))


def _repeated(names: Sequence[str | None]) -> list[int]:
    """Places of names that an earlier entry has."""
    seen: set[str] = set()
    places = []
    for place, name in enumerate(names):
        if name in seen:
            places.append(place)
        elif name is not None:
            seen.add(name)
    return places
