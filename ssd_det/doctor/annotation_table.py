"""What annotations have under each key, as arrays, read in one pass: each further one over millions of them takes long.

They are read in pieces. Where all values of a piece are as they should be, they become an array at once; else each is
looked at by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from ssd_det.annotations.entries import EARLIER_BOXES
from ssd_det.annotations.entries_on_demand import read_structs
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.rotation import ATTRIBUTES, KEY, rotation_of
from ssd_det.annotations.values import is_box, is_number, is_set
from ssd_det.console import LONG, bar
from ssd_det.doctor.arrays import Booleans, Floats, Integers, chosen_rows
from ssd_det.doctor.entry_ids import whole_numbers
from ssd_det.doctor.polygons import flat, measure_polygons

PIECE = 2_000  # annotations; what they hold fits the cache of a processor
FLAGS = ("iscrowd", "difficult")
FLAG_TYPES = {bool, int, float}
FLAG_OF_TEXT = {"0": 0, "1": 1, "false": 0, "true": 1}
NUMBER_FLAG, TEXT_FLAG, UNCLEAR_FLAG = range(3)
NO_BOX = (float("nan"),) * 4
NO_BOXES: tuple[object, ...] = (None, [], [0, 0, 0, 0])
NO_NUMBER = -1.0  # an area that is none


class AnnotationTable(NamedTuple):
    """Annotations as the file has them, N of them.

    Attributes:
        malformed: ``[N]``, whether an entry is not an object; all else is that of an empty one then.
        ids: ``[N]``, ``NO_ID`` where there is none of 64 bits.
        image_ids: ``[N]``, the same of ``image_id``.
        category_ids: ``[N]``, the same of ``category_id``.
        box: ``[N, 4]``, ``bbox``, NaN where it is not a box.
        missing: ``[N]``, whether ``bbox`` is missing, empty or all 0.
        bad_earlier: ``[N]``, whether a box of before is there and not a box.
        crowd: ``[N]``, whether ``iscrowd`` is set.
        difficult: ``[N]``, whether ``difficult`` is set.
        flags: ``[N]``, how both are written: ``NUMBER_FLAG``, ``TEXT_FLAG`` or ``UNCLEAR_FLAG``.
        has_text_flag: ``[N]``, whether one of them is a text.
        rotated: ``[N]``, whether ``bbox`` is a box before a rotation.
        area: ``[N]``, NaN where there is none, ``NO_NUMBER`` where it is no number.
        bounds: ``[N, 4]``, as in :class:`ssd_det.doctor.polygons.Polygons`.
        polygon_area: ``[N]``, as in :class:`ssd_det.doctor.polygons.Polygons`.
        bad_segmentation: ``[N]``, as in :class:`ssd_det.doctor.polygons.Polygons`.
    """

    malformed: Booleans
    ids: Integers
    image_ids: Integers
    category_ids: Integers
    box: Floats
    missing: Booleans
    bad_earlier: Booleans
    crowd: Booleans
    difficult: Booleans
    flags: npt.NDArray[np.int8]
    has_text_flag: Booleans
    rotated: Booleans
    area: Floats
    bounds: Floats
    polygon_area: Floats
    bad_segmentation: Booleans


class _Values(msgspec.Struct, gc=False):
    """What an annotation has under the keys that mean something to us, whatever it is; ``None`` for what it has not."""

    id: Any = None
    image_id: Any = None
    category_id: Any = None
    bbox: Any = None
    true_bbox: Any = None
    original_bbox: Any = None
    refined_from: Any = None
    iscrowd: Any = None
    difficult: Any = None
    attributes: Any = None
    rotation: Any = None
    area: Any = None
    segmentation: Any = None


_values = msgspec.json.Decoder(list[_Values])


def read_table(annotations: Sequence[object]) -> AnnotationTable:
    """Read annotations, whatever they hold."""
    starts = range(0, max(len(annotations), 1), PIECE)
    columns: list[npt.NDArray[Any]] = []
    for start in bar(starts, "annotations", long=LONG // PIECE):
        piece = _read(annotations, slice(start, start + PIECE))
        columns = columns or [np.empty((len(annotations), *part.shape[1:]), part.dtype, order="F") for part in piece]
        for column, part in zip(columns, piece, strict=True):
            column[start : start + PIECE] = part
    return AnnotationTable(*columns)


def changed_table(table: AnnotationTable, changes: Mapping[int, JsonObject], kept: Booleans) -> AnnotationTable:
    """The table of annotations of which some are changed and some are not kept; only what is changed is read.

    Args:
        table: of the annotations as they were; not changed.
        changes: the new annotations, by their position.
        kept: ``[N]``, whether each stays.
    """
    old: tuple[npt.NDArray[Any], ...] = table
    columns = [column.copy(order="K") for column in old]
    for column, part in zip(columns, read_table(list(changes.values())), strict=True):
        column[list(changes)] = part
    return AnnotationTable(*columns if kept.all() else (chosen_rows(column, kept) for column in columns))


def _read(annotations: Sequence[Any], positions: slice) -> AnnotationTable:
    """Read some of the annotations."""
    try:
        values = read_structs(annotations, positions, _values)
        malformed = np.zeros(len(values), dtype=bool)
    except msgspec.DecodeError:
        entries = annotations[positions]
        malformed = _marks(not isinstance(entry, dict) for entry in entries)
        values = msgspec.convert([entry if isinstance(entry, dict) else {} for entry in entries], list[_Values])
    boxes = [value.bbox for value in values]
    box = _boxes(boxes)
    crowd, difficult = _flags([value.iscrowd for value in values]), _flags([value.difficult for value in values])
    polygons = measure_polygons([value.segmentation for value in values])
    earlier = [[getattr(value, key) for value in values] for key in EARLIER_BOXES]
    return AnnotationTable(
        malformed=malformed,
        ids=whole_numbers([value.id for value in values]),
        image_ids=whole_numbers([value.image_id for value in values]),
        category_ids=whole_numbers([value.category_id for value in values]),
        box=box,
        missing=_are_missing(boxes, box),
        bad_earlier=np.any(list(map(_are_no_boxes, earlier)), axis=0),
        crowd=crowd.is_set,
        difficult=difficult.is_set,
        flags=np.maximum(crowd.written_as, difficult.written_as),
        has_text_flag=crowd.is_text | difficult.is_text,
        rotated=_marks(map(_is_rotated, values)) & np.isfinite(box[:, 0]),
        area=_areas([value.area for value in values]),
        bounds=polygons.bounds,
        polygon_area=polygons.area,
        bad_segmentation=polygons.unreadable,
    )


def _is_rotated(value: _Values) -> bool:
    if value.attributes is None and value.rotation is None:
        return False  # most are
    return rotation_of({ATTRIBUTES: value.attributes, KEY: value.rotation}) is not None


def _marks(marks: Iterable[bool]) -> Booleans:
    return np.fromiter(marks, dtype=bool)


class _Flags(NamedTuple):
    is_set: Booleans
    is_text: Booleans
    written_as: npt.NDArray[np.int8]


def _flags(values: Sequence[Any]) -> _Flags:
    flags = _Flags(*(np.zeros(len(values), dtype=kind) for kind in (bool, bool, np.int8)))
    for index in [index for index, value in enumerate(values) if value is not None and value != 0]:
        value = values[index]
        flags.is_set[index], flags.is_text[index] = is_set(value), isinstance(value, str)
        flags.written_as[index] = _written_as(value)
    return flags


def _boxes(values: Sequence[Any]) -> Floats:
    """``[N, 4]``, NaN where a value is not a box."""
    if set(map(type, values)) == {list} and set(map(len, values)) == {4}:
        numbers = flat(values)
        if numbers is not None:
            return numbers.reshape(-1, 4)
    return np.array([value if is_box(value) else NO_BOX for value in values], dtype=float).reshape(-1, 4)


def _are_missing(values: Sequence[Any], box: Floats) -> Booleans:
    missing = np.asarray((box == 0).all(axis=1))
    for index in np.flatnonzero(np.isnan(box[:, 0])).tolist():
        missing[index] = values[index] in NO_BOXES
    return missing


def _are_no_boxes(values: Sequence[Any]) -> Booleans:
    """Whether there is something that is not a box."""
    if values.count(None) == len(values):
        return np.zeros(len(values), dtype=bool)
    return _marks(value is not None and not is_box(value) for value in values)


def _written_as(flag: object) -> int:
    if flag is None or (type(flag) in FLAG_TYPES and flag in {0, 1}):
        return NUMBER_FLAG
    return TEXT_FLAG if isinstance(flag, str) and flag.lower() in FLAG_OF_TEXT else UNCLEAR_FLAG


def _areas(values: Sequence[Any]) -> Floats:
    areas = flat([values])
    if areas is not None:
        return areas
    return np.array([np.nan if value is None else float(value) if is_number(value) else NO_NUMBER for value in values])
