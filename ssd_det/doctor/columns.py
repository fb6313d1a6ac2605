"""The content of an annotation file as columns, whatever is wrong with it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any, Literal

import numpy as np

from ssd_det.annotations.entries import changed_entries
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import SHOWN_FAULTS, shown
from ssd_det.doctor.annotation_table import AnnotationTable, read_table
from ssd_det.doctor.arrays import Booleans, Floats, Integers, rows_at
from ssd_det.doctor.entry_ids import NO_ID, Numbered, number_entries, whole_numbers
from ssd_det.doctor.faults import Fault
from ssd_det.foreign.shown_text import MOST_SHOWN, cut
from ssd_det.ops.id_rows import ABSENT, rows_of

ListName = Literal["images", "annotations", "categories"]

NOT_FOUND = ABSENT
REFERENCES = ("image_id", "category_id")
SINGULAR = {"images": "image", "annotations": "annotation", "categories": "category"}
LONGEST_TEXT = 1000  # characters of a text in an example


@dataclass
class Columns:
    """The lists of a file, and columns of what can be understood of them.

    Later faults are looked for as if earlier ones were fixed: a check that finds a fault that can be fixed also fixes
    the columns. What the file says stays in ``entries``.

    Attributes:
        entries: of each list, in the file's order; an empty object where an entry is not an object.
        table: the annotations as the file has them.
        malformed: indices of the entries that are not objects, of each list.
        ids: of each list, as they are when fixed, ``NO_ID`` where an entry is not an object.
        file_ids: of each list, as the file has them, ``NO_ID`` where an entry has no valid id.
        file_references: ``[N]``, under ``image_id`` and ``category_id`` of each annotation, as the file has them.
        image_index: ``[N]``, index of each annotation's image, ``NOT_FOUND`` where it is not in the file.
        category_index: ``[N]``, the same for its category.
        file_box: ``[N, 4]``, ``bbox`` as the file has it, NaN where it is not a box.
        box: ``[N, 4]``, xywh in pixels, after the fixes so far.
        image_size: ``[M, 2]``, width and height of each image in pixels, NaN where it has no valid size.
        box_limits: ``[N, 2]``, width and height of each annotation's image, NaN where it is not known.
        file_names: ``[M]``, of each image, ``None`` where it has none.
        crowd: ``[N]``, whether ``iscrowd`` is set.
        difficult: ``[N]``, whether ``difficult`` is set.
        rotated: ``[N]``, whether the file's box is one before a rotation.
        kept: ``[N]``, whether the annotation stays in the file.
        kept_images: ``[M]``, whether the image stays in the file.
        new_area: ``[N]``, the ``area`` to write, NaN where it stays as it is.
        orientation: ``[M]``, the EXIF orientation of each image that must be turned, else 1.
        faults: found so far.
    """

    entries: dict[ListName, Sequence[JsonObject]]
    table: AnnotationTable
    malformed: dict[ListName, Integers]
    ids: dict[ListName, Integers]
    file_ids: dict[ListName, Integers]
    file_references: dict[str, Integers]
    image_index: Integers
    category_index: Integers
    file_box: Floats
    box: Floats
    image_size: Floats
    box_limits: Floats
    file_names: list[str | None]
    crowd: Booleans
    difficult: Booleans
    rotated: Booleans
    kept: Booleans
    kept_images: Booleans
    new_area: Floats
    orientation: Integers
    faults: list[Fault] = field(default_factory=list)

    def take_sizes(self, size: Floats, images: Booleans) -> None:
        """Give images ``[M]`` that are marked other sizes, ``[M, 2]``."""
        self.image_size[images] = size[images]
        self.box_limits = limits_of(self.image_size, self.image_index)

    @property
    def turns(self) -> Integers:
        """``[N]``, the EXIF orientation that each annotation must be turned by, 1 where it stays."""
        orientations: Integers = np.concatenate([self.orientation, [1]])[self.image_index]
        return orientations

    @property
    def usable(self) -> Booleans:
        """``[N]``, whether an annotation that is kept has a box in an image of known size."""
        return all_in_row(np.isfinite(self.box)) & all_in_row(np.isfinite(self.box_limits)) & self.kept

    def are_objects(self, list_name: ListName) -> Booleans:
        """Whether each entry of a list is an object."""
        marks = np.ones(len(self.entries[list_name]), dtype=bool)
        marks[self.malformed[list_name]] = False
        return marks

    def add_fault(
        self, kind: str, list_name: ListName, entries: Booleans | Integers | Sequence[int], *keys: str
    ) -> None:
        """Record a fault of some entries, unless there are none.

        Args:
            kind: of the fault.
            list_name: the list that the entries are in.
            entries: their indices, or for each entry of the list whether it has the fault.
            keys: what to show of each.
        """
        self.add_fault_of_lists(kind, {list_name: (entries, keys)})

    def add_fault_of_lists(
        self,
        kind: str,
        found: Mapping[ListName, tuple[Booleans | Integers | Sequence[int], Sequence[str]]],
    ) -> None:
        """Record a fault of entries of several lists as one; entries and keys as in :meth:`add_fault`."""
        examples: list[list[JsonObject]] = []
        count = 0
        for list_name, (entries, keys) in found.items():
            marked = np.asarray(entries)
            indices = np.flatnonzero(marked) if marked.dtype == bool else marked
            count += len(indices)
            examples.append([self._example(list_name, index, keys) for index in indices[:SHOWN_FAULTS].tolist()])
        if count:
            in_turn = chain.from_iterable(zip_longest(*examples))
            shown_examples = [example for example in in_turn if example is not None][:SHOWN_FAULTS]
            self.faults.append(Fault(kind, count, shown_examples))

    def _example(self, list_name: ListName, index: int, keys: Iterable[str]) -> JsonObject:
        entry = self.entries[list_name][index]
        example: JsonObject = {"list": list_name, "place": index, SINGULAR[list_name]: printable(entry.get("id"))}
        if list_name == "annotations" and self.image_index[index] != NOT_FOUND:
            example["file_name"] = self.file_names[self.image_index[index]]
        example.update({key: printable(entry[key]) for key in keys if key in entry})
        return example


def limits_of(size: Floats, image_index: Integers) -> Floats:
    """The size of each annotation's image, ``[N, 2]``, from those of the images ``[M, 2]``; NaN where there is none."""
    return rows_at(np.concatenate([size, np.full((1, 2), np.nan)]), image_index)  # NOT_FOUND takes the last row


def all_in_row(marks: Booleans) -> Booleans:
    """Whether all marks of a row are set, ``[N]`` for ``[N, K]``."""
    return np.asarray(marks.all(axis=1))


def printable(value: object) -> object:
    """A value as it is, or the beginning of its text where it is long or strict json cannot hold it."""
    if isinstance(value, str):
        return cut(value, LONGEST_TEXT)
    text = shown(value)
    return text if len(text) == MOST_SHOWN or "NaN" in text or "Infinity" in text else value


def read_columns(content: JsonObject, table: AnnotationTable | None = None) -> Columns:
    """Understand what can be understood of the content of a file.

    Args:
        content: with the lists ``images``, ``annotations`` and ``categories``; not changed.
        table: the annotations, where they have been read already.
    """
    list_names: tuple[ListName, ...] = ("images", "annotations", "categories")
    if table is None:
        table = read_table(content["annotations"])
    malformed: dict[ListName, Integers] = {
        "images": _malformed(content["images"]),
        "annotations": np.flatnonzero(table.malformed),
        "categories": _malformed(content["categories"]),
    }
    entries = {name: _objects(content[name], malformed[name]) for name in list_names}
    images, annotations, categories = (entries[name] for name in list_names)
    file_ids: dict[ListName, Integers] = {
        "images": _whole_numbers(images, "id"),
        "annotations": table.ids,
        "categories": _whole_numbers(categories, "id"),
    }
    numbered: dict[ListName, Numbered] = {
        "images": number_entries(images, file_ids["images"], annotations, "image_id", table.image_ids),
        "annotations": number_entries(annotations, table.ids),
        "categories": number_entries(
            categories, file_ids["categories"], annotations, "category_id", table.category_ids
        ),
    }
    ids = {name: numbered[name].ids for name in list_names}
    for name in list_names:
        ids[name][malformed[name]] = NO_ID
    image_index, image_size = _lookup(ids["images"], numbered["images"].references), _sizes(images)
    return Columns(
        entries=entries,
        table=table,
        malformed=malformed,
        ids=ids,
        file_ids=file_ids,
        file_references=dict(zip(REFERENCES, (table.image_ids, table.category_ids), strict=True)),
        image_index=image_index,
        category_index=_lookup(ids["categories"], numbered["categories"].references),
        file_box=table.box,
        box=table.box.copy(order="K"),
        image_size=image_size,
        box_limits=limits_of(image_size, image_index),
        file_names=[name if isinstance(name, str) and name else None for e in images for name in (e.get("file_name"),)],
        crowd=table.crowd,
        difficult=table.difficult,
        rotated=table.rotated,
        kept=np.ones(len(annotations), dtype=bool),
        kept_images=np.ones(len(images), dtype=bool),
        new_area=np.full(len(annotations), np.nan),
        orientation=np.ones(len(images), dtype=np.int64),
    )


def _malformed(entries: Sequence[object]) -> Integers:
    """The indices of entries that are not objects."""
    return np.flatnonzero([not isinstance(entry, dict) for entry in entries])


def _objects(entries: Sequence[Any], malformed: Integers) -> Sequence[JsonObject]:
    """Entries, and an empty object in place of each that is not an object."""
    if not len(malformed):
        return entries
    return changed_entries(entries, lambda _, piece: [entry if isinstance(entry, dict) else {} for entry in piece])


def _whole_numbers(entries: Sequence[JsonObject], key: str) -> Integers:
    return whole_numbers([entry.get(key) for entry in entries])


def _sizes(images: Sequence[JsonObject]) -> Floats:
    sizes = np.stack([_whole_numbers(images, key) for key in ("width", "height")], axis=1)
    return np.where((sizes > 0).all(axis=1, keepdims=True), sizes, np.nan)


def _lookup(ids: Integers, wanted: Integers) -> Integers:
    """The first index of each wanted id among the ids, ``NOT_FOUND`` if it is not there."""
    return np.where(wanted == NO_ID, NOT_FOUND, rows_of(wanted, ids))
