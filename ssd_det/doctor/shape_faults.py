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
    table = columns.table
    bounds = table.bounds.copy(order="K")
    columns.add_fault("bad-segmentation", "annotations", table.bad_segmentation, "segmentation")
    turned = np.flatnonzero((columns.turns > 1) & np.isfinite(table.polygon_area))
    if len(turned):
        size = bounds[turned, 2:] - bounds[turned, :2]
        displayed = np.concatenate([bounds[turned, :2], size], axis=1)
        stored = turned_boxes(displayed, columns.turns[turned], columns.box_limits[turned])
        bounds[turned] = np.concatenate([stored[:, :2], stored[:, :2] + stored[:, 2:]], axis=1)
    usable = columns.usable
    box = columns.box
    low, high = box[:, :2] - MARGIN, box[:, :2] + box[:, 2:] + MARGIN
    limits = np.concatenate([columns.box_limits, columns.box_limits], axis=1)
    in_image = np.minimum(bounds.clip(min=0), limits)  # the box ends there as well
    outside = (in_image[:, :2] < low).any(axis=1) | (in_image[:, 2:] > high).any(axis=1)
    columns.add_fault("segmentation-outside-box", "annotations", usable & outside, "bbox")
    _find_areas(columns, usable, table.polygon_area)


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
