"""Annotations whose ids are whole numbers and whose boxes are boxes, checked many at a time."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.rotation import ATTRIBUTES, KEY, rotation_of
from ssd_det.annotations.values import MAX_COORDINATE, MAX_ID, is_set

Id = Annotated[int, msgspec.Meta(ge=-MAX_ID, le=MAX_ID)]
Number = Annotated[float, msgspec.Meta(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Numbers = tuple[Number, Number, Number, Number]


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


def rows_of_regular(entries: Sequence[JsonObject], start: int) -> Iterable[tuple[Any, ...]] | None:
    """Understand annotations.

    Args:
        entries: as they stand in the file.
        start: the position of the first.

    Returns:
        The fields of each :class:`ssd_det.annotations.coco.Annotation`; ``None`` where one of the entries is not
        regular, though it may be usable all the same.
    """
    try:
        regular = msgspec.convert(entries, list[_Regular])
    except msgspec.ValidationError:
        return None
    return zip(
        [entry.id for entry in regular],
        [entry.image_id for entry in regular],
        [entry.category_id for entry in regular],
        [entry.bbox for entry in regular],
        [entry.iscrowd is not None and is_set(entry.iscrowd) for entry in regular],
        [entry.difficult is not None and is_set(entry.difficult) for entry in regular],
        [entry.true_bbox for entry in regular],
        [entry.original_bbox for entry in regular],
        [(entry.attributes is not None or entry.rotation is not None) and entry.is_rotated for entry in regular],
        [entry.trusted is True for entry in regular],
        range(start, start + len(regular)),
        strict=True,
    )
