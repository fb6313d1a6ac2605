"""Areas and segmentations against their boxes."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from ssd_det.annotations.values import are_numbers, is_number
from ssd_det.console import bar
from ssd_det.doctor.columns import Booleans, Entry, Floats, Tables
from ssd_det.doctor.image_faults import turned_boxes

BLOCK = 50_000  # annotations whose polygons are in memory at once
SHARE, LEAST_AREA = 0.01, 1.0  # that areas may differ by, at least so many px²
MOSTLY = 0.9  # of the areas without polygons: if so many are those of boxes, all are meant to be
MARGIN = 2.0  # pixels that polygons may leave their box by
SAME_AREA = 1e-4  # as in ssd_det.annotations.entries.moved


def find_shapes(tables: Tables) -> None:
    """Find polygons that leave their box, segmentations that are none, and areas that contradict both."""
    annotations = tables.entries["annotations"]
    bounds, polygon_area, unreadable = measure_polygons(annotations)
    tables.note("bad-segmentation", "annotations", unreadable, "segmentation")
    turned = np.flatnonzero((tables.turns > 1) & np.isfinite(polygon_area))
    if len(turned):
        size = bounds[turned, 2:] - bounds[turned, :2]
        seen = np.concatenate([bounds[turned, :2], size], axis=1)
        stored = turned_boxes(seen, tables.turns[turned], tables.box_limits[turned])
        bounds[turned] = np.concatenate([stored[:, :2], stored[:, :2] + stored[:, 2:]], axis=1)
    sound = tables.sound
    box = tables.box
    low, high = box[:, :2] - MARGIN, box[:, :2] + box[:, 2:] + MARGIN
    outside = (bounds[:, :2] < low).any(axis=1) | (bounds[:, 2:] > high).any(axis=1)
    tables.note("segmentation-outside-box", "annotations", sound & outside, "bbox")
    _find_areas(tables, sound, polygon_area)


def _find_areas(tables: Tables, sound: Booleans, polygon_area: Floats) -> None:
    """Compare each ``area`` with the box and the polygons.

    Without polygons it may be that of a mask, and smaller, unless most areas of the file are those of their boxes.
    """
    values = [entry.get("area") for entry in tables.entries["annotations"]]
    given = np.array([value is not None for value in values], dtype=bool)
    area = np.array([float(value) if is_number(value) else -1.0 for value in values])
    with np.errstate(invalid="ignore"):
        old, new = tables.written[:, 2:].prod(axis=1), tables.box[:, 2:].prod(axis=1)
        follows = np.abs(area - old) <= SAME_AREA * np.maximum(np.abs(area), np.abs(old))
    moved = (tables.box != tables.written).any(axis=1)
    area = np.where(follows & moved, new, area)
    drawn = np.isfinite(polygon_area)
    alone = given & sound & (new > 0) & ~drawn
    of_masks = alone.any() and _alike(area, new)[alone].mean() < MOSTLY
    of_mask = ~drawn & (area > 0) & (area < new) & of_masks
    wrong = given & sound & (new > 0) & ~_alike(area, new) & ~_alike(area, polygon_area) & ~of_mask
    tables.note("wrong-area", "annotations", wrong, "bbox", "area")
    tables.area[wrong] = np.where(drawn, polygon_area, new)[wrong]


def _alike(area: Floats, other: Floats) -> Booleans:
    """Whether areas agree; never with one that is not known."""
    alike: Booleans = np.abs(area - other) <= np.maximum(SHARE * other, LEAST_AREA)
    return alike & (area >= 0)


def measure_polygons(annotations: Sequence[Entry]) -> tuple[Floats, Floats, Booleans]:
    """Measure the polygons of annotations.

    Returns:
        ``[N, 4]``, the bounds xyxy of all polygons of each annotation, and ``[N]``, the sum of their areas, both NaN
        where there are none; and ``[N]``, whether there is a segmentation that cannot be understood.
    """
    count = len(annotations)
    bounds, areas = np.full((count, 4), np.nan), np.full(count, np.nan)
    unreadable = np.zeros(count, dtype=bool)
    for start in bar(range(0, count, BLOCK), "polygons", long=2):
        owners: list[int] = []
        polygons: list[list[float]] = []
        for place in range(start, min(start + BLOCK, count)):
            found = polygons_of(annotations[place].get("segmentation"))
            unreadable[place] = found is None
            for polygon in found or ():
                owners.append(place)
                polygons.append(polygon)
        if polygons:
            _measure(owners, polygons, bounds, areas)
    return bounds, areas, unreadable


def _measure(owners: Sequence[int], polygons: Sequence[Sequence[float]], bounds: Floats, areas: Floats) -> None:
    """Measure polygons into the rows of their owners, which are in ascending order."""
    corners = np.array([len(polygon) // 2 for polygon in polygons])
    x, y = np.fromiter(chain.from_iterable(polygons), dtype=float).reshape(-1, 2).T
    ends = corners.cumsum()
    following = np.arange(1, len(x) + 1)
    following[ends - 1] = ends - corners
    doubled = np.add.reduceat(x * y[following] - x[following] * y, ends - corners)
    rows, first = np.unique(owners, return_index=True)
    areas[rows] = np.add.reduceat(np.abs(doubled), first) / 2
    first_point = (ends - corners)[first]
    bounds[rows] = np.stack(
        [edge.reduceat(line, first_point) for edge in (np.minimum, np.maximum) for line in (x, y)], axis=1
    )


def polygons_of(segmentation: Any) -> Sequence[list[float]] | None:
    """The polygons of a segmentation, none where it is missing or a mask; ``None`` where it makes no sense."""
    if segmentation is None or isinstance(segmentation, dict):
        return ()
    if isinstance(segmentation, list) and all(_is_polygon(polygon) for polygon in segmentation):
        return segmentation
    return None


def _is_polygon(polygon: Any) -> bool:
    return isinstance(polygon, list) and len(polygon) >= 6 and len(polygon) % 2 == 0 and are_numbers(polygon)
