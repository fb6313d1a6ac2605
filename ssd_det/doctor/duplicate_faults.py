"""Annotations that repeat an earlier one, exactly or nearly."""

import numpy as np

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.arrays import Booleans, Integers, rows_at
from ssd_det.doctor.columns import NOT_FOUND, Columns
from ssd_det.ops.box_arrays import corners, iou

NEAR_IOU = 0.95
SHARES = np.sqrt(2), np.sqrt(3)  # of a sum that seldom is the same for other numbers


def find_duplicates(columns: Columns) -> None:
    """Find annotations with the same category, box and image, removing all but the first; then near duplicates."""
    candidates = columns.usable & (columns.category_index != NOT_FOUND)
    indices = _with_twin(columns, np.flatnonzero(candidates))
    compared = (columns.image_index, columns.category_index, columns.crowd, columns.difficult, *columns.box.T)
    keys = np.stack([column[indices] for column in compared], axis=1).astype(float)
    order = np.lexsort(keys.T[::-1])  # equal ones stay in the file's order
    equal = np.zeros(len(indices), dtype=bool)
    equal[1:] = (keys[order][1:] == keys[order][:-1]).all(axis=1)
    repeated = np.sort(indices[order[equal]])
    columns.add_fault("exact-duplicate", "annotations", repeated, "bbox")
    columns.kept[repeated] = False
    candidates &= columns.kept & (columns.box[:, 2:] >= LEAST_SIDE).all(axis=1)
    columns.add_fault("near-duplicate", "annotations", _near(columns, np.flatnonzero(candidates)), "bbox")


def _with_twin(columns: Columns, indices: Integers) -> Integers:
    """Annotations among which are all that share image, left and width with another: those whose sums are equal.

    Few do, and only they can be repeated.
    """
    box = rows_at(columns.box, indices)
    sums = columns.image_index[indices] + box[:, 0] * SHARES[0] + box[:, 2] * SHARES[1]
    order = np.argsort(sums)
    same = np.diff(sums[order]) == 0
    twins = np.zeros(len(order), dtype=bool)
    twins[1:] |= same
    twins[:-1] |= same
    return np.sort(indices[order[twins]])


def _near(columns: Columns, indices: Integers) -> Integers:
    """Indices of annotations that overlap an earlier one of their image and category by more than ``NEAR_IOU``.

    In the order of their left sides, the boxes that can overlap one that much follow it closely: a left side that is
    further away than 1 − ``NEAR_IOU`` of its width rules them out. Neighbours at growing distance are compared, all
    at once, until none is left.
    """
    group = columns.image_index[indices] * len(columns.ids["categories"]) + columns.category_index[indices]
    order = np.argsort(columns.box[indices, 0])
    order = order[np.argsort(group[order], kind="stable")]
    indices, group = indices[order], group[order]
    box = corners(rows_at(columns.box, indices))
    reach = box[:, 0] + (1 - NEAR_IOU) * (box[:, 2] - box[:, 0])
    near: Booleans = np.zeros(len(indices), dtype=bool)
    first = np.arange(len(indices))
    distance = 1
    while len(first := first[first + distance < len(indices)]):
        second = first + distance
        possible = (group[first] == group[second]) & (box[second, 0] <= reach[first])
        first, second = first[possible], second[possible]
        overlapping = iou(box[first], box[second]) > NEAR_IOU
        pair_first, pair_second = first[overlapping], second[overlapping]
        near[np.where(indices[pair_first] > indices[pair_second], pair_first, pair_second)] = True
        distance += 1
    return np.sort(indices[near])
