"""Areas and segmentations against their boxes."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import AREA_TOLERANCE, is_number, polygons_of
from ssd_det.console import bar
from ssd_det.doctor.columns import Booleans, Columns, Floats
from ssd_det.ops.exif_turns import turned_boxes

BLOCK = 50_000  # annotations whose polygons are in memory at once
AREA_SHARE, AREA_PIXELS = 0.01, 1.0  # areas may differ by this share, and by so many square pixels in any case
MOSTLY = 0.9  # of the areas without polygons: if so many are those of boxes, all are meant to be
MARGIN = 2.0  # pixels that polygons may extend beyond their box


class Polygons(NamedTuple):
    """The polygons of N annotations, measured.

    Attributes:
        bounds: ``[N, 4]``, xyxy of all polygons of an annotation in pixels, NaN where it has none.
        area: ``[N]``, the sum of their areas in square pixels, NaN where it has none.
        unreadable: ``[N]``, whether there is a segmentation that cannot be understood.
    """

    bounds: Floats
    area: Floats
    unreadable: Booleans


def find_shapes(columns: Columns) -> None:
    """Find polygons that leave their box, segmentations that make no sense, and areas that contradict both."""
    polygons = measure_polygons(columns.entries["annotations"])
    bounds = polygons.bounds
    columns.add_fault("bad-segmentation", "annotations", polygons.unreadable, "segmentation")
    turned = np.flatnonzero((columns.turns > 1) & np.isfinite(polygons.area))
    if len(turned):
        size = bounds[turned, 2:] - bounds[turned, :2]
        displayed = np.concatenate([bounds[turned, :2], size], axis=1)
        stored = turned_boxes(displayed, columns.turns[turned], columns.box_limits[turned])
        bounds[turned] = np.concatenate([stored[:, :2], stored[:, :2] + stored[:, 2:]], axis=1)
    usable = columns.usable
    box = columns.box
    low, high = box[:, :2] - MARGIN, box[:, :2] + box[:, 2:] + MARGIN
    in_image = np.minimum(bounds.clip(min=0), np.tile(columns.box_limits, 2))  # the box ends there as well
    outside = (in_image[:, :2] < low).any(axis=1) | (in_image[:, 2:] > high).any(axis=1)
    columns.add_fault("segmentation-outside-box", "annotations", usable & outside, "bbox")
    _find_areas(columns, usable, polygons.area)


def _find_areas(columns: Columns, usable: Booleans, polygon_area: Floats) -> None:
    """Compare each ``area`` with the box and the polygons.

    Without polygons it may be that of a mask, and smaller, unless most areas of the file are those of their boxes.
    """
    values = [entry.get("area") for entry in columns.entries["annotations"]]
    has_area = np.array([value is not None for value in values], dtype=bool)
    area = np.array([float(value) if is_number(value) else -1.0 for value in values])
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


def measure_polygons(annotations: Sequence[JsonObject]) -> Polygons:
    """Measure the polygons of annotations."""
    count = len(annotations)
    measured = Polygons(np.full((count, 4), np.nan), np.full(count, np.nan), np.zeros(count, dtype=bool))
    for start in bar(range(0, count, BLOCK), "polygons", long=2):
        owners: list[int] = []
        polygons: list[list[float]] = []
        for index in range(start, min(start + BLOCK, count)):
            annotation_polygons = polygons_of(annotations[index].get("segmentation"))
            measured.unreadable[index] = annotation_polygons is None
            for polygon in annotation_polygons or ():
                owners.append(index)
                polygons.append(polygon)
        if polygons:
            _measure(owners, polygons, measured)
    return measured


def _measure(owners: Sequence[int], polygons: Sequence[Sequence[float]], measured: Polygons) -> None:
    """Measure polygons into the rows of their owners, which are in ascending order."""
    corners = np.array([len(polygon) // 2 for polygon in polygons])
    x, y = np.fromiter(chain.from_iterable(polygons), dtype=float).reshape(-1, 2).T
    ends = corners.cumsum()
    following = np.arange(1, len(x) + 1)
    following[ends - 1] = ends - corners
    doubled = np.add.reduceat(x * y[following] - x[following] * y, ends - corners)
    rows, first = np.unique(owners, return_index=True)
    measured.area[rows] = np.add.reduceat(np.abs(doubled), first) / 2
    first_point = (ends - corners)[first]
    measured.bounds[rows] = np.stack(
        [extreme.reduceat(line, first_point) for extreme in (np.minimum, np.maximum) for line in (x, y)], axis=1
    )
