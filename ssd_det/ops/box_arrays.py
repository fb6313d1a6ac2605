"""Geometry of boxes as NumPy arrays, for the commands that do not import torch."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ssd_det.ops.box_types import Xywh
from ssd_det.ops.flat_numbers import flat_numbers

Floats = npt.NDArray[np.float64]

AREA_EPSILON = 1e-6  # square pixels


def corners(boxes: Sequence[Xywh] | Floats) -> Floats:
    """Turn boxes xywh, as annotation files have them, into ``[N, 4]``, xyxy."""
    numbers = None if isinstance(boxes, np.ndarray) else flat_numbers(boxes)
    table = (np.array(boxes, dtype=np.float64) if numbers is None else numbers).reshape(-1, 4)
    table[:, 2:] += table[:, :2]
    return table


def iou(boxes: Floats, others: Floats) -> Floats:
    """Intersection over union of each box and its counterpart; the two shapes broadcast.

    Args:
        boxes: ``[..., 4]``, xyxy in pixels.
        others: ``[..., 4]``, xyxy in pixels.

    Returns:
        ``[...]`` in [0, 1].
    """
    low = np.maximum(boxes[..., :2], others[..., :2])
    high = np.minimum(boxes[..., 2:], others[..., 2:])
    shared = (high - low).clip(min=0).prod(axis=-1)
    area, other_area = ((table[..., 2:] - table[..., :2]).prod(axis=-1) for table in (boxes, others))
    overlaps: Floats = shared / (area + other_area - shared).clip(min=AREA_EPSILON)
    return overlaps
