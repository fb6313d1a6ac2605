"""Annotations whose ids are whole numbers and whose boxes are boxes, checked many at a time."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_COORDINATE, MAX_ID

Id = Annotated[int, msgspec.Meta(ge=-MAX_ID, le=MAX_ID)]
Number = Annotated[float, msgspec.Meta(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Numbers = tuple[Number, Number, Number, Number]


class RegularEntry(msgspec.Struct, gc=False):
    """What a regular entry of ``annotations`` has under the keys that mean something to us."""

    id: Id
    image_id: Id
    category_id: Id
    bbox: Numbers
    true_bbox: Numbers | None = None
    original_bbox: Numbers | None = None
    iscrowd: Any = None
    difficult: Any = None
    attributes: Any = None
    rotation: Any = None
    trusted: Any = None


def regular_entries(entries: Sequence[JsonObject]) -> list[RegularEntry] | None:
    """Understand annotations; ``None`` where one of them is not regular, though it may be usable all the same."""
    try:
        return msgspec.convert(entries, list[RegularEntry])
    except msgspec.ValidationError:
        return None
