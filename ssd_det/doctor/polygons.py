"""Polygons of annotations, measured."""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ssd_det.annotations.values import MAX_COORDINATE, polygons_of
from ssd_det.doctor.arrays import Booleans, Floats, Integers
from ssd_det.ops.flat_numbers import flat_numbers

LEAST_NUMBERS = 6  # of a polygon


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


def measure_polygons(segmentations: Sequence[object]) -> Polygons:
    """Measure the polygons of annotations.

    Args:
        segmentations: N of them, as they stand in the file.
    """
    count = len(segmentations)
    measured = Polygons(np.full((count, 4), np.nan), np.full(count, np.nan), np.zeros(count, dtype=bool))
    lists: list[Sequence[Any]] = [found if type(found) is list else () for found in segmentations]
    polygons: list[Any] = list(chain.from_iterable(lists))
    numbers = flat(polygons) if _are_lists_of_pairs(polygons) else None
    if numbers is None or not set(map(type, segmentations)) <= {list, dict, type(None)}:
        understood = [polygons_of(segmentation) for segmentation in segmentations]
        measured.unreadable[:] = [found is None for found in understood]
        lists = [found or () for found in understood]
        polygons = list(chain.from_iterable(lists))
        numbers = np.fromiter(chain.from_iterable(polygons), dtype=float)
    if polygons:
        owners = np.repeat(np.arange(count), list(map(len, lists)))
        _measure(owners, np.array(list(map(len, polygons))) // 2, numbers, measured)
    return measured


def flat(lists: Sequence[Sequence[Any]]) -> Floats | None:
    """The numbers of lists, one list after the other; ``None`` where one is anything but a finite number up to 1e9."""
    numbers = flat_numbers(lists)
    return numbers if numbers is not None and bool((np.abs(numbers) <= MAX_COORDINATE).all()) else None


def _are_lists_of_pairs(polygons: Sequence[Any]) -> bool:
    """Whether all are lists, and have as many numbers as three or more points."""
    if not set(map(type, polygons)) <= {list}:
        return False
    return all(length >= LEAST_NUMBERS and length % 2 == 0 for length in set(map(len, polygons)))


def _measure(owners: Integers, corners: Integers, numbers: Floats, measured: Polygons) -> None:
    """Measure polygons into the rows of their owners.

    Args:
        owners: ``[P]``, the row of each polygon, in ascending order.
        corners: ``[P]``, how many it has.
        numbers: x and y of all of them in turn.
        measured: what is filled in.
    """
    x, y = numbers.reshape(-1, 2).T
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
