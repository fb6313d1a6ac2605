"""What an entry of ``annotations`` means."""

from typing import NamedTuple

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.ops.box_types import Xywh


class Annotation(NamedTuple):
    """An entry of ``annotations``; boxes are xywh in pixels.

    ``true_bbox`` is set where noise was added on purpose, ``original_bbox`` where the box was refined.
    ``trusted`` is set where a person has said that the box is right; nothing moves it then.
    ``difficult`` is Pascal VOC's flag: no detector has to find the object. ``rotated`` is set where the box was drawn
    rotated, and ``bbox`` has its sides before that. ``position`` is the index in the list.
    """

    id: int
    image_id: int
    category_id: int
    bbox: Xywh
    crowd: bool
    difficult: bool
    true_bbox: Xywh | None
    original_bbox: Xywh | None
    rotated: bool
    trusted: bool
    position: int

    @property
    def unrefined(self) -> Xywh:
        """The box before refining, which is the box itself where it was not refined."""
        return self.original_bbox or self.bbox

    @property
    def measurable(self) -> bool:
        """Whether this is the box of one object that must be found, with an area that single precision can hold."""
        _, _, width, height = self.bbox
        is_one_box = not self.crowd and not self.difficult and not self.rotated
        return is_one_box and width >= LEAST_SIDE and height >= LEAST_SIDE
