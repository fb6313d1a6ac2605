"""Numbers, boxes, flags and texts as annotation files hold them, and as messages show them."""

import json
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import count
from typing import Any, TypeGuard, cast

from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.foreign.shown_text import MOST_SHOWN, cut
from ssd_det.ops.box_types import Xywh

MAX_ID = 2**63 - 1
MAX_COORDINATE = 1e9
NUMBERS = frozenset({int, float})  # the types of numbers in json; no subclasses, such as bool
SIDES = ("x", "y", "width", "height")
LEAST_SIDE = 1e-3
AREA_TOLERANCE = 1e-4  # relative; an area that is closer to width times height was computed from them
SHOWN_FAULTS = 10
MOST_NAME = 120  # characters of a name or path among several
UNSET_TEXTS = {"", "0", "false"}


def first_of(values: Iterable[object]) -> str:
    """The first ten values, and how many more there are."""
    texts = list(values)
    rest = len(texts) - SHOWN_FAULTS
    return ", ".join(cut(value, MOST_NAME) for value in texts[:SHOWN_FAULTS]) + (
        f" and {rest} more" if rest > 0 else ""
    )


def integer_of(where: str, entry: JsonObject, key: str) -> int:
    """The whole number under a key.

    Raises:
        InputError: if it is anything else; it begins with ``where``.
    """
    value = entry.get(key)
    if type(value) is int and -MAX_ID <= value <= MAX_ID:
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise InputError(f"{where}: {key} is {shown(value)}: give a whole number.")
    if abs(value) > MAX_ID:
        raise InputError(f"{where}: {key} is {shown(value)}: give a number that fits 64 bits.")
    return int(value)


def text_of(where: str, entry: JsonObject, key: str) -> str:
    """The text under a key, which must not be empty.

    Raises:
        InputError: if it is anything else; it begins with ``where``.
    """
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: {key} is {shown(value)}: give a text.")
    return value


def box_of(where: str, key: str, value: object) -> Xywh:
    """A box xywh.

    Raises:
        InputError: if it is anything else; it begins with ``where`` and names ``key``.
    """
    if is_box(value):
        x, y, width, height = cast("list[float]", value)
        return Xywh((float(x), float(y), float(width), float(height)))
    text = f"{shown(value)}{_fault_of_box(value)}"
    raise InputError(f"{where}: {key} is {text}: give 4 finite numbers up to 1e9, x, y, width and height.")


def _fault_of_box(value: object) -> str:
    """Which of four values is no number of a box, a clause; empty for anything else."""
    if not isinstance(value, list) or len(value) != len(SIDES):
        return ""
    pairs = zip(SIDES, value, strict=True)
    return next(f", whose {side} is {shown(number)}" for side, number in pairs if not is_number(number))


def optional_box(where: str, key: str, entry: JsonObject) -> Xywh | None:
    """The box xywh under a key; ``None`` where the key is missing or null.

    Raises:
        InputError: if it is anything else; it begins with ``where``.
    """
    return None if entry.get(key) is None else box_of(where, key, entry[key])


def is_box(value: object) -> bool:
    """Whether a value is a list of 4 finite numbers up to 1e9."""
    return isinstance(value, list) and len(value) == 4 and are_numbers(value)


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value is a finite number up to 1e9."""
    return are_numbers((value,))


def are_numbers(values: Iterable[Any]) -> bool:
    """Whether all values are finite numbers up to 1e9; for millions of short lists, this loop takes half of ``all``."""
    for value in values:  # noqa: SIM110
        if type(value) not in NUMBERS or not -MAX_COORDINATE <= value <= MAX_COORDINATE:
            return False
    return True


def is_set(flag: object) -> bool:
    """Whether a flag is set; some files have flags as texts."""
    return flag.lower() not in UNSET_TEXTS if isinstance(flag, str) else bool(flag)


def shown(value: object) -> str:
    """A value of a file, as messages show it: its beginning, however long or nested it is."""
    if value is None:
        return "missing"
    text = ""
    for piece in json.JSONEncoder().iterencode(value):
        text += piece
        if len(text) > MOST_SHOWN:
            break
    return cut(text)


def free_ids(taken: Set[int]) -> Iterator[int]:
    """Ids from 1 up that are not taken, the lowest first."""
    return (number for number in count(1) if number not in taken)


def polygons_of(segmentation: object) -> Sequence[list[float]] | None:
    """The polygons of a segmentation, none where it is missing or a mask; ``None`` where it makes no sense."""
    if segmentation is None or isinstance(segmentation, dict):
        return ()
    if isinstance(segmentation, list) and all(_is_polygon(polygon) for polygon in segmentation):
        return segmentation
    return None


def _is_polygon(polygon: object) -> bool:
    return isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0 and are_numbers(polygon)
