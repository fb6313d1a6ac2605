"""Annotations that are there twice, or as good as."""

import numpy as np

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.columns import NOWHERE, Booleans, Integers, Tables
from ssd_det.ops.box_arrays import corners, iou

NEAR_IOU = 0.95


def find_duplicates(tables: Tables) -> None:
    """Find annotations of one category with one box in one image, removing all but the first; then near ones."""
    usable = tables.sound & (tables.category != NOWHERE)
    places = np.flatnonzero(usable)
    columns = (tables.image, tables.category, tables.crowd, tables.difficult, *tables.box.T)
    keys = np.stack([column[places] for column in columns], axis=1).astype(float)
    order = np.lexsort(keys.T[::-1])  # equal ones stay in the file's order
    equal = np.zeros(len(places), dtype=bool)
    equal[1:] = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    repeated = np.sort(places[order[equal]])
    tables.note("exact-duplicate", "annotations", repeated, "bbox")
    tables.kept[repeated] = False
    usable &= tables.kept & (tables.box[:, 2:] >= LEAST_SIDE).all(axis=1)
    tables.note("near-duplicate", "annotations", _near(tables, np.flatnonzero(usable)), "bbox")


def _near(tables: Tables, places: Integers) -> Integers:
    """Places of annotations that overlap an earlier one of their image and category by more than ``NEAR_IOU``.

    In the order of their left sides, the boxes that can overlap one so far follow it closely: a left side that is
    further away than 1 − ``NEAR_IOU`` of its width rules them out. Neighbours at growing distance are compared, all
    at once, until none is left.
    """
    group = tables.image[places] * len(tables.ids["categories"]) + tables.category[places]
    order = np.lexsort([tables.box[places, 0], group])
    places, group = places[order], group[order]
    box = corners(tables.box[places])
    reach = box[:, 0] + (1 - NEAR_IOU) * (box[:, 2] - box[:, 0])
    near: Booleans = np.zeros(len(places), dtype=bool)
    first = np.arange(len(places))
    distance = 1
    while len(first := first[first + distance < len(places)]):
        second = first + distance
        possible = (group[first] == group[second]) & (box[second, 0] <= reach[first])
        first, second = first[possible], second[possible]
        twins = iou(box[first], box[second]) > NEAR_IOU
        pairs = np.stack([places[first[twins]], places[second[twins]]])
        near[np.where(pairs[0] > pairs[1], first[twins], second[twins])] = True
        distance += 1
    return np.sort(places[near])
