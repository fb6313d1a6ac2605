"""Faults of boxes: what their numbers mean, and where they lie in their image."""

import numpy as np

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.arrays import Booleans, Floats, chosen_rows
from ssd_det.doctor.columns import Columns, all_in_row

DIGITS = 6  # of computed numbers, so that no floating-point noise is written
TOLERANCE = 1.0  # pixels that a box may extend beyond its image, or differ from the whole image
FRACTION_TOLERANCE = 0.01  # the same for boxes that are fractions of their image
FITTING_SHARE = 0.95  # of the boxes must make sense in another reading of the numbers
LEAST_BOXES = 5  # fewer say nothing about a whole file
TINY_SIDE, TINY_AREA = 2.0, 4.0  # pixels, square pixels


def find_normalised(columns: Columns) -> None:
    """Find out whether the boxes of a file are fractions of their image, and convert them to pixels.

    Where width and height make no sense from a corner but do from a centre, as in YOLO, boxes are read that way.
    """
    usable = columns.usable
    box, limits = chosen_rows(columns.box, usable), chosen_rows(columns.box_limits, usable)
    if not len(box) or box.min() < 0 or box.max() > 1 or not (box % 1).any():
        return
    centred = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, 2:]], axis=1)
    outside, centred_outside = (
        _leaves(fractions, np.ones_like(limits), FRACTION_TOLERANCE).mean() for fractions in (box, centred)
    )
    if outside > 1 - FITTING_SHARE and centred_outside <= 1 - FITTING_SHARE:
        box = centred
    pixels = (box * np.tile(limits, 2)).round(DIGITS)
    if pixels.max() <= 1:
        return
    columns.add_fault("normalised-boxes", "annotations", usable, "bbox")
    columns.box[usable] = pixels


def find_corners(columns: Columns) -> None:
    """Find out whether the boxes of a file are two corners, and convert them to corner and size.

    They are if most extend beyond their image as they are, and almost all lie in it when read as corners.
    """
    usable = columns.usable
    box, limits = chosen_rows(columns.box, usable), chosen_rows(columns.box_limits, usable)
    if len(box) < LEAST_BOXES or _leaves(box, limits, TOLERANCE).mean() <= 0.5:
        return
    from_corners = np.concatenate([box[:, :2], (box[:, 2:] - box[:, :2]).round(DIGITS)], axis=1)
    fits = ~_leaves(from_corners, limits, TOLERANCE) & (from_corners[:, 2:] > 0).all(axis=1)
    if fits.mean() >= FITTING_SHARE:
        columns.add_fault("corners-as-boxes", "annotations", usable, "bbox")
        columns.box[usable] = from_corners


def find_swapped(columns: Columns) -> None:
    """Find negative widths and heights, and swap the corners."""
    swapped = columns.usable & (columns.box[:, 2:] < 0).any(axis=1)
    columns.add_fault("negative-size", "annotations", swapped, "bbox")
    size = columns.box[swapped, 2:]
    columns.box[swapped, :2] = (columns.box[swapped, :2] + size.clip(max=0)).round(DIGITS)
    columns.box[swapped, 2:] = np.abs(size)


def find_misplaced(columns: Columns) -> None:
    """Find boxes without area, boxes outside their image and boxes partly beyond it; clip the last."""
    usable = columns.usable
    limits = columns.box_limits
    empty = usable & (columns.box[:, 2:] < LEAST_SIDE).any(axis=1)
    low, high = columns.box[:, :2].clip(min=0), np.minimum(columns.box[:, :2] + columns.box[:, 2:], limits)
    outside = usable & ~empty & (high - low < LEAST_SIDE).any(axis=1)
    beyond = usable & ~empty & ~outside & _leaves(columns.box, limits, TOLERANCE)
    columns.add_fault("zero-size", "annotations", empty, "bbox")
    columns.add_fault("outside-image", "annotations", outside, "bbox")
    columns.add_fault("beyond-image", "annotations", beyond, "bbox")
    cut = (low != columns.box[:, :2]) | (columns.box[:, :2] + columns.box[:, 2:] > limits)
    clipped = np.concatenate([low, np.where(cut, (high - low).round(DIGITS), columns.box[:, 2:])], axis=1)
    columns.box[beyond] = clipped[beyond]


def find_unusual(columns: Columns) -> None:
    """Find boxes that are very small, or the whole image."""
    size = columns.box[:, 2:]
    has_area = columns.usable & (size >= LEAST_SIDE).all(axis=1)
    tiny = has_area & ((size < TINY_SIDE).any(axis=1) | (size.prod(axis=1) < TINY_AREA))
    columns.add_fault("tiny", "annotations", tiny, "bbox")
    margins = np.concatenate([columns.box[:, :2], columns.box_limits - columns.box[:, :2] - size], axis=1)
    whole = has_area & ~tiny & (np.abs(margins) <= TOLERANCE).all(axis=1)
    columns.add_fault("whole-image", "annotations", whole, "bbox")


def _leaves(box: Floats, limits: Floats, tolerance: float) -> Booleans:
    """Whether a box xywh extends further beyond its image than the tolerance, in the unit of the box."""
    return ~all_in_row((box[:, :2] >= -tolerance) & (box[:, :2] + box[:, 2:] <= limits + tolerance))
