"""Areas and segmentations against their boxes."""

import numpy as np

from ssd_det.annotations.values import AREA_TOLERANCE
from ssd_det.doctor.annotation_table import NO_NUMBER
from ssd_det.doctor.arrays import Booleans, Floats
from ssd_det.doctor.columns import Columns
from ssd_det.ops.exif_turns import turned_boxes

AREA_SHARE, AREA_PIXELS = 0.01, 1.0  # areas may differ by this share, and by so many square pixels in any case
MOSTLY = 0.9  # of the areas without polygons: if so many are those of boxes, all are meant to be
MARGIN = 2.0  # pixels that polygons may extend beyond their box


def find_shapes(columns: Columns) -> None:
    """Find polygons that leave their box, segmentations that make no sense, and areas that contradict both."""
    columns.add_fault("bad-segmentation", "annotations", columns.table.bad_segmentation, "segmentation")
    usable = columns.usable
    columns.add_fault("segmentation-outside-box", "annotations", usable & _leave_their_box(columns), "bbox")
    _find_areas(columns, usable, columns.table.polygon_area)


def _leave_their_box(columns: Columns) -> Booleans:
    """Whether the polygons of an annotation go further beyond its box than the margin, ``[N]``."""
    bounds, box, limits = _stored_bounds(columns), columns.box, columns.box_limits
    low, high = (np.minimum(corner.clip(min=0), limits) for corner in (bounds[:, :2], bounds[:, 2:]))  # as the box ends
    too_low = (low < box[:, :2] - MARGIN).any(axis=1)
    return np.asarray(too_low | (high > box[:, :2] + box[:, 2:] + MARGIN).any(axis=1))


def _stored_bounds(columns: Columns) -> Floats:
    """``[N, 4]``, the bounds of polygons in the stored pixels, as boxes that are turned already."""
    turned = np.flatnonzero((columns.turns > 1) & np.isfinite(columns.table.polygon_area))
    if not len(turned):
        return columns.table.bounds
    bounds = columns.table.bounds.copy(order="K")
    size = bounds[turned, 2:] - bounds[turned, :2]
    displayed = np.concatenate([bounds[turned, :2], size], axis=1)
    stored = turned_boxes(displayed, columns.turns[turned], columns.box_limits[turned])
    bounds[turned] = np.concatenate([stored[:, :2], stored[:, :2] + stored[:, 2:]], axis=1)
    return bounds


def _find_areas(columns: Columns, usable: Booleans, polygon_area: Floats) -> None:
    """Compare each ``area`` with the box and the polygons.

    Without polygons it may be that of a mask, and smaller, unless most areas of the file are those of their boxes.
    """
    has_area = ~np.isnan(columns.table.area)
    area = np.where(has_area, columns.table.area, NO_NUMBER)
    with np.errstate(invalid="ignore"):
        file_box_area, box_area = columns.file_box[:, 2:].prod(axis=1), columns.box[:, 2:].prod(axis=1)
        largest = np.maximum(np.abs(area), np.abs(file_box_area))
        follows = np.abs(area - file_box_area) <= AREA_TOLERANCE * largest
    moved = (columns.box != columns.file_box).any(axis=1)
    area = np.where(follows & moved, box_area, area)
    has_polygons = np.isfinite(polygon_area)
    compared = has_area & usable & (box_area > 0)
    alone = compared & ~has_polygons
    some_are_of_masks = alone.any() and _alike(area, box_area)[alone].mean() < MOSTLY
    of_mask = ~has_polygons & (area > 0) & (area < box_area) & some_are_of_masks
    wrong = compared & ~_alike(area, box_area) & ~_alike(area, polygon_area) & ~of_mask
    columns.add_fault("wrong-area", "annotations", wrong, "bbox", "area")
    columns.new_area[wrong] = np.where(has_polygons, polygon_area, box_area)[wrong]


def _alike(area: Floats, expected: Floats) -> Booleans:
    """Whether areas agree; never where one is not known."""
    alike: Booleans = np.abs(area - expected) <= np.maximum(AREA_SHARE * expected, AREA_PIXELS)
    return alike & (area >= 0)
