"""The content of an annotation file as columns, whatever is wrong with it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.values import MAX_ID, SHOWN_FAULTS, is_box, is_set, shown
from ssd_det.console import bar
from ssd_det.doctor.faults import Fault

Entry = dict[str, Any]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]
Group = Literal["images", "annotations", "categories"]

NO_ID = -MAX_ID - 1
NOWHERE = -1
UNKNOWN = (float("nan"),) * 4
SINGULAR = {"images": "image", "annotations": "annotation", "categories": "category"}
LONGEST_VALUE = 60


@dataclass
class Tables:
    """The lists of a file, and columns of what can be understood of them.

    Later faults are looked for as if earlier ones were mended: what finds a fault that can be mended also mends the
    columns. What the file says stays in ``entries``.

    Attributes:
        entries: of each list, in the file's order; an empty one where there is no object.
        malformed: places of what is no object, of each list.
        ids: of each list, ``NO_ID`` where it is none.
        image: ``[N]``, place of each annotation's image, ``NOWHERE`` where it is not in the file.
        category: ``[N]``, the same of its category.
        written: ``[N, 4]``, ``bbox`` as the file has it, NaN where it is none.
        box: ``[N, 4]``, xywh in pixels, as it is meant.
        written_ids: ``[N]``, ids of the annotations as the file has them.
        size: ``[M, 2]``, width and height of each image in pixels, NaN where it is none.
        file_name: ``[M]``, of each image, ``None`` where there is none.
        crowd: ``[N]``, whether ``iscrowd`` is set.
        difficult: ``[N]``, whether ``difficult`` is set.
        kept: ``[N]``, whether the annotation is not to be removed.
        area: ``[N]``, what ``area`` is to be, NaN where it is to stay.
        orientation: ``[M]``, of each image that is to be turned its EXIF orientation, else 1.
    """

    entries: dict[Group, list[Entry]]
    malformed: dict[Group, Integers]
    ids: dict[Group, Integers]
    image: Integers
    category: Integers
    written: Floats
    box: Floats
    written_ids: Integers
    size: Floats
    file_name: list[str | None]
    crowd: Booleans
    difficult: Booleans
    kept: Booleans
    area: Floats
    orientation: Integers
    faults: list[Fault] = field(default_factory=list)

    @property
    def box_limits(self) -> Floats:
        """``[N, 2]``, width and height of each annotation's image, NaN where it is not known."""
        padded = np.concatenate([self.size, np.full((1, 2), np.nan)])  # NOWHERE takes the last row
        limits: Floats = padded[self.image]
        return limits

    @property
    def turns(self) -> Integers:
        """``[N]``, the EXIF orientation that each annotation is to be turned by, 1 where it is not."""
        orientations: Integers = np.concatenate([self.orientation, [1]])[self.image]
        return orientations

    @property
    def sound(self) -> Booleans:
        """``[N]``, whether an annotation that is kept has a box in an image of known size."""
        return rows(np.isfinite(self.box)) & rows(np.isfinite(self.box_limits)) & self.kept

    def note(self, kind: str, group: Group, places: Booleans | Integers | Sequence[int], *keys: str) -> None:
        """Note a fault of some entries, if there are any.

        Args:
            kind: of the fault.
            group: the list that the entries are in.
            places: of the entries, or whether each is meant.
            keys: what to show of each.
        """
        marked = np.asarray(places)
        found = np.flatnonzero(marked) if marked.dtype == bool else marked
        if len(found):
            shown_ones = [self._example(group, place, keys) for place in found[:SHOWN_FAULTS].tolist()]
            self.faults.append(Fault(kind, len(found), shown_ones))

    def _example(self, group: Group, place: int, keys: Iterable[str]) -> Entry:
        entry = self.entries[group][place]
        example: Entry = {"list": group, "place": place, SINGULAR[group]: plain(entry.get("id"))}
        if group == "annotations" and self.image[place] != NOWHERE:
            example["file_name"] = self.file_name[self.image[place]]
        example.update({key: plain(entry[key]) for key in keys if key in entry})
        return example


def rows(marks: Booleans) -> Booleans:
    """Whether all of a row's marks are set."""
    return np.asarray(marks.all(axis=1))


def plain(value: object) -> object:
    """A value as it is, or the begin of its text where it is long or strict json cannot hold it."""
    text = shown(value)
    if len(text) > LONGEST_VALUE or "NaN" in text or "Infinity" in text:
        return text[:LONGEST_VALUE]
    return value


def read_tables(content: dict[str, Any]) -> Tables:
    """Understand what can be understood of the content of a file.

    Args:
        content: with the lists ``images``, ``annotations`` and ``categories``; not changed.
    """
    groups: tuple[Group, ...] = ("images", "annotations", "categories")
    malformed = {g: _places(not isinstance(entry, dict) for entry in content[g]) for g in groups}
    entries = {g: [e if isinstance(e, dict) else {} for e in content[g]] for g in groups}
    ids = {g: _whole_numbers(entries[g], "id") for g in groups}
    images, annotations = entries["images"], entries["annotations"]
    boxes = [box if is_box(box) else UNKNOWN for e in bar(annotations, "boxes") for box in (e.get("bbox"),)]
    written = np.array(boxes, dtype=float).reshape(-1, 4)
    return Tables(
        entries=entries,
        malformed=malformed,
        ids=ids,
        image=_lookup(ids["images"], _whole_numbers(annotations, "image_id")),
        category=_lookup(ids["categories"], _whole_numbers(annotations, "category_id")),
        written=written,
        box=written.copy(),
        written_ids=ids["annotations"],
        size=_sizes(images),
        file_name=[name if isinstance(name, str) and name else None for e in images for name in (e.get("file_name"),)],
        crowd=np.array([is_set(e.get("iscrowd")) for e in annotations], dtype=bool),
        difficult=np.array([is_set(e.get("difficult")) for e in annotations], dtype=bool),
        kept=np.ones(len(annotations), dtype=bool),
        area=np.full(len(annotations), np.nan),
        orientation=np.ones(len(images), dtype=np.int64),
    )


def _places(marks: Iterable[bool]) -> Integers:
    return np.flatnonzero(np.fromiter(marks, dtype=bool))


def _whole_numbers(entries: Sequence[Entry], key: str) -> Integers:
    """A column of ids; ``NO_ID`` where an entry has none that is a whole number of 64 bits."""
    return np.array([_whole_number(entry.get(key)) for entry in entries], dtype=np.int64)


def _whole_number(value: object) -> int:
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value) if abs(value) <= MAX_ID else NO_ID
    return NO_ID


def _sizes(images: Sequence[Entry]) -> Floats:
    sizes = np.stack([_whole_numbers(images, key) for key in ("width", "height")], axis=1)
    return np.where((sizes > 0).all(axis=1, keepdims=True), sizes, np.nan)


def _lookup(known: Integers, wanted: Integers) -> Integers:
    """Where each wanted id is first among the known ones, ``NOWHERE`` if it is not."""
    if not len(known):
        return np.full(len(wanted), NOWHERE)
    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order).clip(max=len(known) - 1)
    place = order[place]
    return np.where((known[place] == wanted) & (wanted != NO_ID), place, NOWHERE)
