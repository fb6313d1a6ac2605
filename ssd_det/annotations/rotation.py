"""Boxes that stand for a rotated rectangle, of which ``bbox`` has the sides before the rotation."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import is_number

FULL_TURN = 360  # degrees
KEY = "rotation"
ATTRIBUTES = "attributes"  # of CVAT's annotations
EARLIER_KEY = "rotated_bbox"  # what became the upright box: x, y, width, height and degrees


class Rotation(NamedTuple):
    """How a box is rotated: clockwise in the picture.

    Attributes:
        degrees: as the file has them; not a multiple of 360.
        about_centre: about the centre of the box, as in CVAT, or about its first corner, as in Label Studio.
    """

    degrees: float
    about_centre: bool


def rotation_of(entry: JsonObject) -> Rotation | None:
    """The rotation of an annotation: ``attributes.rotation`` of CVAT, or ``rotation`` of Label Studio."""
    for holder, about_centre in ((entry.get(ATTRIBUTES), True), (entry, False)):
        degrees = holder.get(KEY) if isinstance(holder, dict) else None
        if is_number(degrees) and degrees % FULL_TURN:
            return Rotation(degrees, about_centre)
    return None


def box_around(box: Sequence[float], rotation: Rotation) -> tuple[float, float, float, float]:
    """The upright box around a rotated one.

    Args:
        box: xywh in pixels, before the rotation.
        rotation: of it.

    Returns:
        Xywh in pixels.
    """
    x, y, width, height = box
    angle = math.radians(rotation.degrees)
    sine, cosine = math.sin(angle), math.cos(angle)
    if rotation.about_centre:
        centre = x + width / 2, y + height / 2
    else:
        centre = x + (width * cosine - height * sine) / 2, y + (width * sine + height * cosine) / 2
    new_width = abs(width * cosine) + abs(height * sine)
    new_height = abs(width * sine) + abs(height * cosine)
    return centre[0] - new_width / 2, centre[1] - new_height / 2, new_width, new_height


def without_rotation(entry: JsonObject, rotation: Rotation, bbox: Sequence[float]) -> JsonObject:
    """Copy an annotation whose box has become the upright one: with the rotation 0, and what the box was.

    Args:
        entry: with the upright box; not changed.
        rotation: that it had.
        bbox: what it had, xywh before the rotation.
    """
    earlier = {EARLIER_KEY: [*bbox, rotation.degrees]}
    if rotation.about_centre:
        return {**entry, ATTRIBUTES: {**entry[ATTRIBUTES], KEY: 0}, **earlier}
    return {**entry, KEY: 0, **earlier}
