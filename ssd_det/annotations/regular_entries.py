"""Annotations whose ids are whole numbers and whose boxes are boxes, checked many at a time."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from ssd_det.annotations.entries_on_demand import PIECE, read_structs
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.rotation import ATTRIBUTES, KEY, rotation_of
from ssd_det.annotations.values import MAX_COORDINATE, MAX_ID, is_set

Id = Annotated[int, msgspec.Meta(ge=-MAX_ID, le=MAX_ID)]
Number = Annotated[float, msgspec.Meta(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Numbers = tuple[Number, Number, Number, Number]


UNSET = (None, 0)  # the usual flags, for which no function needs to be called


class RegularImage(msgspec.Struct, gc=False):
    """What a regular entry of ``images`` has under the keys that mean something to us."""

    id: Id
    file_name: Annotated[str, msgspec.Meta(min_length=1)]
    width: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]
    height: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]


class _Regular(msgspec.Struct, gc=False):
    """What a regular entry of ``annotations`` has under the keys that mean something to us."""

    id: Id
    image_id: Id
    category_id: Id
    bbox: Numbers
    iscrowd: Any = None
    difficult: Any = None
    true_bbox: Numbers | None = None
    original_bbox: Numbers | None = None
    attributes: Any = None
    rotation: Any = None
    trusted: Any = None

    @property
    def is_rotated(self) -> bool:
        return rotation_of({ATTRIBUTES: self.attributes, KEY: self.rotation}) is not None


class RefiningValues(msgspec.Struct, gc=False):
    """What refining has written beside a box, as it stands in the file; ``None`` for what it has not."""

    refine_score: Any = None
    refined_from: Any = None


_regular = msgspec.json.Decoder(list[_Regular])
_refining = msgspec.json.Decoder(list[RefiningValues])


def regular_images(entries: Sequence[JsonObject]) -> list[RegularImage] | None:
    """Understand the images of a file; ``None`` where one is not regular, though it may be usable all the same.

    Args:
        entries: as they stand in the file.
    """
    try:
        return msgspec.convert(entries, list[RegularImage])
    except msgspec.ValidationError:
        return None


def fields_of_regular(entries: Sequence[JsonObject], start: int, stop: int) -> list[Sequence[Any]] | None:
    """Understand some of the annotations of a file.

    Args:
        entries: all of them, as they stand in the file.
        start: the position of the first to understand.
        stop: the position behind the last.

    Returns:
        For each field of :class:`ssd_det.annotations.annotation.Annotation` the values of all; ``None`` where one of
        the entries is not regular, though it may be usable all the same.
    """
    try:
        regular = read_structs(entries, slice(start, stop), _regular)
    except msgspec.DecodeError:
        return None
    return [
        [entry.id for entry in regular],
        [entry.image_id for entry in regular],
        [entry.category_id for entry in regular],
        [entry.bbox for entry in regular],
        [entry.iscrowd not in UNSET and is_set(entry.iscrowd) for entry in regular],
        [entry.difficult not in UNSET and is_set(entry.difficult) for entry in regular],
        [entry.true_bbox for entry in regular],
        [entry.original_bbox for entry in regular],
        [(entry.attributes is not None or entry.rotation is not None) and entry.is_rotated for entry in regular],
        [entry.trusted is True for entry in regular],
        range(start, start + len(regular)),
    ]


def refining_values(entries: Sequence[JsonObject]) -> list[RefiningValues]:
    """What refining has written into each annotation of a file.

    Args:
        entries: as they stand in the file.
    """
    values: list[RefiningValues] = []
    for start in range(0, len(entries), PIECE):
        piece = slice(start, start + PIECE)
        try:
            values += read_structs(entries, piece, _refining)
        except msgspec.DecodeError:  # a number beyond a double
            values += msgspec.convert(entries[piece], list[RefiningValues])
    return values
