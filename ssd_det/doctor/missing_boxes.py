"""Annotations without a box, and boxes that stand for a rotated rectangle: what has one right value is computed."""

import numpy as np

from ssd_det.annotations.rotation import box_around, rotation_of
from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.arrays import Booleans, Floats
from ssd_det.doctor.box_faults import DIGITS
from ssd_det.doctor.columns import Columns

OTHER_SHAPES = ("segmentation", "keypoints", "true_bbox", "original_bbox")  # that say where an object is


def find_missing_boxes(columns: Columns) -> None:
    """Find boxes that are no boxes; take the box around the polygons, and remove annotations that say nothing."""
    entries = columns.entries["annotations"]
    are_annotations = columns.are_objects("annotations")
    missing = columns.table.missing & are_annotations
    with np.errstate(invalid="ignore"):
        flat = missing | (np.abs(columns.box[:, 2:]) < LEAST_SIDE).any(axis=1)
    around = _boxes_of_polygons(columns, flat)
    outlined = ~np.isnan(around[:, 0])
    columns.add_fault("box-from-polygons", "annotations", outlined, "bbox")
    columns.box[outlined] = around[outlined]
    empty = missing.copy()
    for index in np.flatnonzero(missing).tolist():
        empty[index] = not any(map(entries[index].get, OTHER_SHAPES))
    columns.add_fault("empty-annotation", "annotations", empty, "bbox")
    columns.kept[empty] = False
    bad = np.isnan(columns.box[:, 0]) & ~empty & are_annotations
    columns.add_fault("bad-box", "annotations", bad, "bbox")


def _boxes_of_polygons(columns: Columns, wanted: Booleans) -> Floats:
    """``[N, 4]``, xywh around the polygons of the wanted annotations, NaN where these have no area."""
    boxes = np.full((len(wanted), 4), np.nan)
    indices = np.flatnonzero(wanted)
    bounds = columns.table.bounds[indices]
    size = (bounds[:, 2:] - bounds[:, :2]).round(DIGITS)
    has_area = (size >= LEAST_SIDE).all(axis=1)
    boxes[indices[has_area]] = np.concatenate([bounds[:, :2], size], axis=1)[has_area]
    return boxes


def find_rotated(columns: Columns) -> None:
    """Find boxes that were drawn rotated, of which the file has the sides before that; take the box around each."""
    columns.add_fault("rotated-box", "annotations", columns.rotated, "bbox", "rotation", "attributes")
    for index in np.flatnonzero(columns.rotated).tolist():
        rotation = rotation_of(columns.entries["annotations"][index])
        if rotation is not None:
            columns.box[index] = np.round(box_around(columns.box[index].tolist(), rotation), DIGITS)
