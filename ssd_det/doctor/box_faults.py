"""Faults of boxes: what their numbers mean, and how they lie in their image."""

import numpy as np

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.columns import Booleans, Floats, Tables, rows

DIGITS = 6  # of what is computed, so that no rounding of floats is written
SLACK = 1.0  # pixels that a box may reach beyond its image, or differ from the whole of it
FIT = 0.95  # the share of boxes that has to make sense in another reading of the numbers
LEAST_BOXES = 5  # fewer say nothing of a whole file
TINY_SIDE, TINY_AREA = 2.0, 4.0


def find_normalised(tables: Tables) -> None:
    """Find out whether the boxes of a file are shares of their image, and turn them into pixels.

    Where width and height make no sense as seen from a corner but do from a centre, as YOLO has it, boxes are read so.
    """
    sound = tables.sound
    box, limits = tables.box[sound], tables.box_limits[sound]
    if not len(box) or box.min() < 0 or box.max() > 1 or not (box % 1).any():
        return
    centred = np.concatenate([box[:, :2] - box[:, 2:] / 2, box[:, 2:]], axis=1)
    whole = np.ones_like(limits)
    if _leaves(box, whole, 0.01).mean() > 1 - FIT and _leaves(centred, whole, 0.01).mean() <= 1 - FIT:
        box = centred
    pixels = (box * np.tile(limits, 2)).round(DIGITS)
    if pixels.max() <= 1:
        return
    tables.note("normalised-boxes", "annotations", sound, "bbox")
    tables.box[sound] = pixels


def find_corners(tables: Tables) -> None:
    """Find out whether the boxes of a file are two corners, and turn them into corner and size.

    They are if most reach beyond their image as they are, and as good as all lie in it when read as corners.
    """
    sound = tables.sound
    box, limits = tables.box[sound], tables.box_limits[sound]
    if len(box) < LEAST_BOXES:
        return
    read = np.concatenate([box[:, :2], (box[:, 2:] - box[:, :2]).round(DIGITS)], axis=1)
    fits = ~_leaves(read, limits, SLACK) & (read[:, 2:] > 0).all(axis=1)
    if _leaves(box, limits, SLACK).mean() > 0.5 and fits.mean() >= FIT:
        tables.note("corners-as-boxes", "annotations", sound, "bbox")
        tables.box[sound] = read


def find_swapped(tables: Tables) -> None:
    """Find negative widths and heights, and swap the corners."""
    swapped = tables.sound & (tables.box[:, 2:] < 0).any(axis=1)
    tables.note("negative-size", "annotations", swapped, "bbox")
    size = tables.box[swapped, 2:]
    tables.box[swapped, :2] = (tables.box[swapped, :2] + size.clip(max=0)).round(DIGITS)
    tables.box[swapped, 2:] = np.abs(size)


def find_misplaced(tables: Tables) -> None:
    """Find boxes without area, outside of their image and partly beyond it; clip the last."""
    sound = tables.sound
    limits = tables.box_limits
    empty = sound & (tables.box[:, 2:] < LEAST_SIDE).any(axis=1)
    low, high = tables.box[:, :2].clip(min=0), np.minimum(tables.box[:, :2] + tables.box[:, 2:], limits)
    outside = sound & ~empty & (high - low < LEAST_SIDE).any(axis=1)
    beyond = sound & ~empty & ~outside & _leaves(tables.box, limits, SLACK)
    tables.note("zero-size", "annotations", empty, "bbox")
    tables.note("outside-image", "annotations", outside, "bbox")
    tables.note("beyond-image", "annotations", beyond, "bbox")
    cut = (low != tables.box[:, :2]) | (tables.box[:, :2] + tables.box[:, 2:] > limits)
    clipped = np.concatenate([low, np.where(cut, (high - low).round(DIGITS), tables.box[:, 2:])], axis=1)
    tables.box[beyond] = clipped[beyond]


def find_unusual(tables: Tables) -> None:
    """Find boxes that are very small, or the whole image."""
    size = tables.box[:, 2:]
    drawn = tables.sound & (size >= LEAST_SIDE).all(axis=1)
    tiny = drawn & ((size < TINY_SIDE).any(axis=1) | (size.prod(axis=1) < TINY_AREA))
    tables.note("tiny", "annotations", tiny, "bbox")
    margins = np.concatenate([tables.box[:, :2], tables.box_limits - tables.box[:, :2] - size], axis=1)
    whole = drawn & ~tiny & (np.abs(margins) <= SLACK).all(axis=1)
    tables.note("whole-image", "annotations", whole, "bbox")


def _leaves(box: Floats, limits: Floats, slack: float) -> Booleans:
    """Whether a box xywh reaches further beyond its image than the slack allows."""
    return ~rows((box[:, :2] >= -slack) & (box[:, :2] + box[:, 2:] <= limits + slack))
