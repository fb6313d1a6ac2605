"""Geometry of boxes: overlap, the deltas from one to another, clipping and mirroring.

Boxes are xyxy in pixels, the width of a box is x2 - x1.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ssd_det.ops import box_arrays
from ssd_det.ops.box_arrays import AREA_EPSILON
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.device_values import constants

DELTA_STD = (0.1, 0.1, 0.2, 0.2)
MAX_LOG_RATIO = math.log(1000 / 16)


def area(boxes: Tensor) -> Tensor:
    """Area of each box.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.

    Returns:
        ``Tensor[...]`` in square pixels.
    """
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def intersection(boxes: Tensor, others: Tensor) -> Tensor:
    """Area shared by each box and its counterpart; the two shapes broadcast.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        others: ``Tensor[..., 4]``, xyxy.

    Returns:
        ``Tensor[...]`` in square pixels, 0 where they do not overlap.
    """
    top_left = torch.maximum(boxes[..., :2], others[..., :2])
    bottom_right = torch.minimum(boxes[..., 2:], others[..., 2:])
    return (bottom_right - top_left).clamp(min=0).prod(-1)


def iou(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over union of each box and its counterpart; the two shapes broadcast.

    ``iou(a[:, None], b)`` is the matrix that ``torchvision.ops.box_iou(a, b)`` gives; this form also
    compares a whole bag with a single box.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        others: ``Tensor[..., 4]``, xyxy.

    Returns:
        ``Tensor[...]`` in [0, 1].
    """
    shared = intersection(boxes, others)
    union = area(boxes) + area(others) - shared
    return shared / union.clamp(min=AREA_EPSILON)


def iof(boxes: Tensor, others: Tensor) -> Tensor:
    """Intersection over foreground: the share of each box that lies inside its counterpart.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        others: ``Tensor[..., 4]``, xyxy; broadcasts with ``boxes``.

    Returns:
        ``Tensor[...]`` in [0, 1].
    """
    return intersection(boxes, others) / area(boxes).clamp(min=AREA_EPSILON)


def corners(boxes: Sequence[Xywh] | box_arrays.Floats) -> Tensor:
    """Turn boxes xywh, as annotation files have them, into ``Tensor[N, 4]``, float64, xyxy."""
    return torch.from_numpy(box_arrays.corners(boxes))


def centre_and_size(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Split xyxy boxes into centres and sizes, each ``Tensor[..., 2]`` as (x, y) and (w, h)."""
    return (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]


def centre_distance(boxes: Tensor, others: Tensor) -> Tensor:
    """Distance in pixels between the centres of each box and its counterpart, both ``Tensor[..., 4]``, xyxy."""
    distance: Tensor = (centre_and_size(boxes)[0] - centre_and_size(others)[0]).norm(dim=-1)
    return distance


def encode(boxes: Tensor, targets: Tensor) -> Tensor:
    """Deltas that lead from each box to its target: (dx/w, dy/h, ln w, ln h) over their standard deviations.

    Reference: R-CNN's parametrisation, with the standard deviations (0.1, 0.1, 0.2, 0.2) of eq. 7.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy, with positive sizes.
        targets: ``Tensor[..., 4]``, xyxy, with positive sizes; broadcasts with ``boxes``.

    Returns:
        ``Tensor[..., 4]``; ``decode(boxes, encode(boxes, targets))`` is ``targets``.
    """
    centre, size = centre_and_size(boxes)
    target_centre, target_size = centre_and_size(targets)
    deltas = torch.cat([(target_centre - centre) / size, (target_size / size).log()], dim=-1)
    return deltas / constants(DELTA_STD, deltas)


def decode(boxes: Tensor, deltas: Tensor) -> Tensor:
    """Move each box by its deltas. Nothing is clipped but the change of size, to a factor of 62.5 both ways.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        deltas: ``Tensor[..., 4]``, as :func:`encode` gives them.

    Returns:
        ``Tensor[..., 4]``, xyxy.
    """
    centre, size = centre_and_size(boxes)
    deltas = deltas * constants(DELTA_STD, deltas)
    new_centre = centre + deltas[..., :2] * size
    half = size * deltas[..., 2:].clamp(-MAX_LOG_RATIO, MAX_LOG_RATIO).exp() / 2
    return torch.cat([new_centre - half, new_centre + half], dim=-1)


def displacement(boxes: Tensor, targets: Tensor) -> Tensor:
    """How far each target is from its box: (dx/w, dy/h, ln w, ln h), as :func:`encode`, but not normalised."""
    return encode(boxes, targets) * constants(DELTA_STD, boxes)


def displaced(boxes: Tensor, displacements: Tensor) -> Tensor:
    """Boxes ``Tensor[..., 4]`` moved by displacements; ``displaced(boxes, displacement(boxes, t))`` is ``t``."""
    return decode(boxes, displacements / constants(DELTA_STD, boxes))


def clip(boxes: Tensor, image_sizes: Tensor) -> Tensor:
    """Clip each box to its image.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        image_sizes: ``Tensor[..., 2]``, (height, width); broadcasts with ``boxes``.

    Returns:
        ``Tensor[..., 4]`` with x in [0, width] and y in [0, height].
    """
    extent = image_sizes.flip(-1).to(boxes.dtype)
    return torch.minimum(boxes.clamp(min=0), torch.cat([extent, extent], dim=-1))


def mirror(boxes: Tensor, widths: Tensor) -> Tensor:
    """Flip boxes left to right inside images of the given widths.

    Args:
        boxes: ``Tensor[..., 4]``, xyxy.
        widths: ``Tensor[...]``, in pixels; broadcasts with ``boxes[..., 0]``.

    Returns:
        ``Tensor[..., 4]``, xyxy.
    """
    left, top, right, bottom = boxes.unbind(-1)
    return torch.stack([widths - right, top, widths - left, bottom], dim=-1)


def mirror_images(images: Tensor, widths: Tensor) -> Tensor:
    """Flip each image left to right inside its own width; its padding becomes a copy of its edge.

    Args:
        images: ``Tensor[B, 3, H, W]``.
        widths: ``Tensor[B]``, at most W.
    """
    columns = widths.long()[:, None] - 1 - torch.arange(images.shape[3], device=images.device)
    return images.gather(3, columns.clamp(min=0)[:, None, None].expand_as(images))
