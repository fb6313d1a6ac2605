"""Boxes that a detector found, in place of annotated ones."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.edits.noise_kinds import Array
from ssd_det.annotations.json_files import read_json
from ssd_det.annotations.values import box_of, integer_of
from ssd_det.console import warn
from ssd_det.errors import InputError
from ssd_det.ops.box_arrays import corners, iou
from ssd_det.ops.box_types import Xywh

LEAST_IOU = 0.2


def nearest_detections(annotations: Sequence[Annotation], boxes: Array, detections: str | Path) -> Array:
    """The detection of an annotation's class that its box overlaps most, whatever its score.

    Args:
        annotations: the annotations.
        boxes: ``[N, 4]``, their boxes, xyxy in pixels.
        detections: a COCO results file.

    Returns:
        ``[N, 4]``, xyxy in pixels, NaN where no detection has an IoU of 0.2 or more.

    Raises:
        InputError: if the file cannot be used, or has no detection for any of the annotations.
    """
    path = Path(detections)
    detected = _read_detections(path)
    if not len(annotations):
        return boxes
    if not any((a.image_id, a.category_id) in detected for a in annotations):
        raise _none_fits(path, "of an image_id and category_id that the annotations have")
    nearest = np.full_like(boxes, np.nan)
    for index, annotation in enumerate(annotations):
        candidates = corners(detected.get((annotation.image_id, annotation.category_id), []))
        if len(candidates):
            overlaps = iou(candidates, boxes[index])
            if overlaps.max() >= LEAST_IOU:
                nearest[index] = candidates[overlaps.argmax()]
    missed = int(np.isnan(nearest[:, 0]).sum())
    if missed == len(nearest):
        raise _none_fits(path, f"that overlaps a box of its class with an IoU of {LEAST_IOU} or more")
    if missed:
        warn(f"{path}: has no detection for {missed} of {len(nearest)} boxes, which get uniform noise.")
    return nearest


def _none_fits(path: Path, what: str) -> InputError:
    return InputError(f"{path}: has no detection {what}: give what ssd-det predict wrote for these images.")


def _read_detections(path: Path) -> dict[tuple[int, int], list[Xywh]]:
    """The boxes of a COCO results file, by image and category."""
    entries = read_json(path, "COCO results file")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError(f"{path}: is not a list of detections: give the predictions.json of ssd-det predict.")
    boxes: dict[tuple[int, int], list[Xywh]] = defaultdict(list)
    for index, entry in enumerate(entries):
        where = f"{path}: detection {index}"
        key = integer_of(where, entry, "image_id"), integer_of(where, entry, "category_id")
        boxes[key].append(box_of(where, "bbox", entry.get("bbox")))
    return boxes
