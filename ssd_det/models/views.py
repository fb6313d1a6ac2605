"""Seeing the same images in different ways: mirrored, and at other scales."""

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

from ssd_det.batches.batch import Objects, padded_size
from ssd_det.ops.boxes import mirror, mirror_images
from ssd_det.ops.device_values import constants


class View(NamedTuple):
    """How images are seen: whether mirrored left to right, and by how much larger than they are."""

    mirrored: bool = False
    scale: float = 1.0


def make_views(flip: bool = False, scales: Sequence[float] = ()) -> list[View]:
    """The images as they are, mirrored if wanted, and at other scales."""
    return [View(), *([View(mirrored=True)] if flip else []), *(View(scale=scale) for scale in scales)]


def to_view(images: Tensor, objects: Objects, view: View) -> tuple[Tensor, Objects]:
    """Images and objects as they are in a view.

    Args:
        images: ``Tensor[B, 3, H, W]``, padded on the right and below to multiples of 32.
        objects: the objects in them.
        view: how to see them.

    Returns:
        Both in the view, the images padded again.
    """
    if view.mirrored:
        # Images are padded on the right: mirror each inside its own width.
        widths = objects.image_sizes[:, 1]
        images = mirror_images(images, widths)
        objects = objects._replace(boxes=mirror(objects.boxes, widths[objects.image_index]))
    if view.scale != 1:
        size, factors = _scaled(images, view.scale)
        height, width = padded_size(*size)
        images = F.interpolate(images, size, mode="bilinear", antialias=True, align_corners=False)
        images = F.pad(images, (0, width - size[1], 0, height - size[0]))
        objects = objects._replace(
            boxes=objects.boxes * factors.flip(0).repeat(2), image_sizes=objects.image_sizes * factors
        )
    return images, objects


def from_view(boxes: Tensor, images: Tensor, objects: Objects, view: View) -> Tensor:
    """Boxes that were found in a view, as they are in the images themselves.

    Args:
        boxes: ``Tensor[G, 4]``, xyxy in pixels of the view.
        images: ``Tensor[B, 3, H, W]``, the images themselves.
        objects: the objects in them, not in the view.
        view: that the boxes were found in.

    Returns:
        ``Tensor[G, 4]``, xyxy in pixels of the images.
    """
    if view.scale != 1:
        boxes = boxes / _scaled(images, view.scale)[1].flip(0).repeat(2)
    return mirror(boxes, objects.image_sizes[objects.image_index, 1]) if view.mirrored else boxes


def _scaled(images: Tensor, scale: float) -> tuple[tuple[int, int], Tensor]:
    """Height and width of scaled images, and the factors of both, which rounding keeps from being the same."""
    height, width = images.shape[2:]
    size = round(height * scale), round(width * scale)
    return size, constants([size[0] / height, size[1] / width], images)
