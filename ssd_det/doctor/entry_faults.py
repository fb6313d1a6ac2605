"""Faults of the entries themselves: ids, names, flags and references between entries."""

from collections.abc import Sequence
from itertools import islice

import numpy as np

from ssd_det.annotations.values import MAX_ID, free_ids, is_box
from ssd_det.doctor.columns import NO_ID, NOT_FOUND, SINGULAR, Booleans, Columns, Integers, ListName
from ssd_det.doctor.faults import Fault

FLAGS = ("iscrowd", "difficult")
EARLIER_BOXES = ("true_bbox", "original_bbox")
FLAG_TYPES = {bool, int, float}
FLAG_OF_TEXT = {"0": 0, "1": 1, "false": 0, "true": 1}
RARE_SHARE = 0.01  # of the annotations of the largest category


def find_malformed(columns: Columns) -> None:
    """Find entries that are not objects, or have no id, size or name."""
    for list_name, entries in columns.entries.items():
        if not entries:
            columns.faults.append(Fault("no-entries", 1, [{"list": list_name}]))
        columns.add_fault("malformed-entry", list_name, columns.malformed[list_name])
        columns.add_fault("bad-id", list_name, (columns.ids[list_name] == NO_ID) & _are_objects(columns, list_name))
    are_images = _are_objects(columns, "images")
    nameless = np.array([name is None for name in columns.file_names], dtype=bool)
    columns.add_fault("bad-file-name", "images", nameless & are_images, "file_name")
    sizeless = np.isnan(columns.image_size[:, 0])
    columns.add_fault("bad-image-size", "images", sizeless & are_images, "file_name", "width", "height")
    categories = columns.entries["categories"]
    nameless = np.array([not isinstance(e.get("name"), str) or not e["name"] for e in categories], dtype=bool)
    columns.add_fault("bad-category-name", "categories", nameless & _are_objects(columns, "categories"), "name")


def find_reused_ids(columns: Columns) -> None:
    """Find ids that several entries share, and give later annotations new ones."""
    for list_name, ids in columns.ids.items():
        reused = _repeats_earlier(ids)
        if list_name == "annotations":
            reused &= columns.kept
        columns.add_fault(f"reused-{SINGULAR[list_name]}-id", list_name, reused, "file_name", "name")
        if list_name == "annotations" and reused.any():
            columns.ids[list_name] = ids.copy()
            columns.ids[list_name][reused] = _unused_ids(ids, int(reused.sum()))


def find_dangling(columns: Columns) -> None:
    """Find annotations of unknown images and categories, and values of box keys that are not boxes."""
    are_annotations = _are_objects(columns, "annotations")
    without_image = (columns.image_index == NOT_FOUND) & are_annotations
    columns.add_fault("unknown-image", "annotations", without_image, "image_id")
    without_category = (columns.category_index == NOT_FOUND) & are_annotations
    columns.add_fault("unknown-category", "annotations", without_category, "category_id")
    columns.add_fault("bad-box", "annotations", np.isnan(columns.box[:, 0]) & are_annotations, "bbox")
    bad_earlier = [
        index
        for index, entry in enumerate(columns.entries["annotations"])
        if any(entry.get(key) is not None and not is_box(entry[key]) for key in EARLIER_BOXES)
    ]
    columns.add_fault("bad-earlier-box", "annotations", bad_earlier, *EARLIER_BOXES)


def find_flags(columns: Columns) -> None:
    """Find flags that are not the numbers 0 and 1."""
    texts: list[int] = []
    unclear: list[int] = []
    for index, entry in enumerate(columns.entries["annotations"]):
        values = [entry.get(key) for key in FLAGS]
        odd = [value for value in values if value is not None and not (type(value) in FLAG_TYPES and value in {0, 1})]
        if odd:
            fixable = all(isinstance(value, str) and value.lower() in FLAG_OF_TEXT for value in odd)
            (texts if fixable else unclear).append(index)
    columns.add_fault("text-flag", "annotations", texts, *FLAGS)
    columns.add_fault("bad-flag", "annotations", unclear, *FLAGS)


def find_names(columns: Columns) -> None:
    """Find backslashes in file names, writing slashes instead, and names that several entries share."""
    backslashes = [index for index, name in enumerate(columns.file_names) if name is not None and "\\" in name]
    columns.add_fault("backslash-in-name", "images", backslashes, "file_name")
    for index in backslashes:
        columns.file_names[index] = str(columns.file_names[index]).replace("\\", "/")
    columns.add_fault("repeated-file-name", "images", _repeated(columns.file_names), "file_name")
    names = [e.get("name") if isinstance(e.get("name"), str) else None for e in columns.entries["categories"]]
    columns.add_fault("repeated-category-name", "categories", _repeated(names), "name")


def find_imbalance(columns: Columns) -> None:
    """Find categories and images with few annotations or none."""
    used = columns.category_index[columns.kept & (columns.category_index != NOT_FOUND)]
    counts = np.bincount(used, minlength=len(columns.ids["categories"]))
    rare = (counts > 0) & (counts < counts.max(initial=0) * RARE_SHARE)
    columns.add_fault("rare-category", "categories", rare, "name")
    if counts.any():
        columns.add_fault("empty-category", "categories", counts == 0, "name")
    used = columns.image_index[columns.kept & (columns.image_index != NOT_FOUND)]
    empty = np.bincount(used, minlength=len(columns.ids["images"])) == 0
    columns.add_fault("empty-image", "images", empty, "file_name")


def _are_objects(columns: Columns, list_name: ListName) -> Booleans:
    marks = np.ones(len(columns.entries[list_name]), dtype=bool)
    marks[columns.malformed[list_name]] = False
    return marks


def _repeats_earlier(ids: Integers) -> Booleans:
    """Whether an id is that of an earlier entry."""
    _, first = np.unique(ids, return_index=True)
    later = np.ones(len(ids), dtype=bool)
    later[first] = False
    return np.asarray(later & (ids != NO_ID))


def _unused_ids(ids: Integers, count: int) -> list[int]:
    """Ids that no entry has, from the one above the largest where there is room, else the lowest."""
    largest = int(ids.max())
    if largest <= MAX_ID - count:
        return list(range(largest + 1, largest + 1 + count))
    return list(islice(free_ids(set(ids.tolist())), count))


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
