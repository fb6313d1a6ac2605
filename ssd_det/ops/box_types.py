"""The two ways to write a box in four numbers, as distinct types, so that a type checker tells them apart."""

from collections.abc import Sequence
from typing import NewType

Xywh = NewType("Xywh", tuple[float, float, float, float])
"""Left, top, width and height in pixels, as annotation files have boxes."""

Xyxy = NewType("Xyxy", tuple[float, float, float, float])
"""Left, top, right and bottom in pixels, as geometry needs them."""


def to_xywh(box: Xyxy) -> Xywh:
    """Convert a box to the form that annotation files have."""
    x1, y1, x2, y2 = box
    return Xywh((x1, y1, x2 - x1, y2 - y1))


def as_xyxy(numbers: Sequence[float]) -> Xyxy:
    """Four numbers of a table of corners, x1, y1, x2 and y2, as a box."""
    x1, y1, x2, y2 = numbers
    return Xyxy((x1, y1, x2, y2))
