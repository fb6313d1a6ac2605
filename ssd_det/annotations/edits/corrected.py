"""Correcting what all boxes of a file share, and putting trusted boxes in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.annotations.entries import COORDINATE_DIGITS, with_annotations, with_new_box
from ssd_det.annotations.image_sizes import image_sizes
from ssd_det.annotations.json_files import JsonObject
from ssd_det.memory import collection_paused
from ssd_det.ops.box_arrays import corners
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.shared_offsets import SharedOffsets, corrected, measure_offsets


@dataclass(frozen=True)
class Correction:
    """What was corrected in a file.

    Attributes:
        offsets: of the sides of boxes, a row for each category in the order of their ids.
        categories: their names.
        taught: how many trusted boxes the offsets were measured on.
        trusted: how many boxes are trusted.
        corrected: how many others were moved.
        passed_through: how many are as they were, by reason.
    """

    offsets: SharedOffsets
    categories: tuple[str, ...]
    taught: int
    trusted: int
    corrected: int
    passed_through: dict[str, int]


@collection_paused()
def corrected_content(coco: CocoFile, trusted: Mapping[int, Xywh]) -> tuple[JsonObject, Correction]:
    """Copy the content of a file with trusted boxes in it, and all others without what these show to be shared.

    A trusted annotation gets its box and ``trusted``, another one is moved by the offsets of its category that are
    certain. Each that gets a box keeps its own as ``original_bbox``, unless it has one already.

    Args:
        coco: the file; its content is not changed. Annotations that are trusted in it stay as they are, and those of
            them that have an ``original_bbox`` are measured as well, unless other annotations have one: boxes that were
            moved before tell nothing of those that were not.
        trusted: boxes xywh, by annotation id.
    """
    offsets, taught = _measure(coco, trusted)
    row_of = {category.id: row for row, category in enumerate(coco.categories)}
    certain = offsets.certain
    passed: Counter[str] = Counter()
    chosen: list[Annotation] = []
    entries: dict[int, JsonObject] = {}
    for annotation in coco.annotations:
        if annotation.id in trusted:
            entries[annotation.position] = {**_with_box(coco, annotation, trusted[annotation.id]), "trusted": True}
            continue
        reason = coco.why_unusable(annotation) or coco.why_fixed(annotation)
        if reason is None and not certain[row_of[annotation.category_id]].any():
            reason = "nothing to correct"
        if reason:
            passed[reason] += 1
        else:
            chosen.append(annotation)
    rows = [row_of[annotation.category_id] for annotation in chosen]
    boxes = corrected(corners([a.bbox for a in chosen]), certain[rows].reshape(-1, 4), image_sizes(coco, chosen))
    boxes[:, 2:] -= boxes[:, :2]  # xywh from here on
    for annotation, box in zip(chosen, boxes.round(COORDINATE_DIGITS).tolist(), strict=True):
        entries[annotation.position] = _with_box(coco, annotation, Xywh(tuple(box)))
    flagged = sum(annotation.trusted and annotation.id not in trusted for annotation in coco.annotations)
    names = tuple(category.name for category in coco.categories)
    correction = Correction(offsets, names, taught, len(trusted) + flagged, len(chosen), dict(passed))
    return with_annotations(coco, entries), correction


def _measure(coco: CocoFile, trusted: Mapping[int, Xywh]) -> tuple[SharedOffsets, int]:
    """What boxes share, and how many trusted ones say so."""
    teaching: list[tuple[Annotation, Xywh, Xywh]] = []
    untouched = all(annotation.original_bbox is None or annotation.trusted for annotation in coco.annotations)
    for annotation in coco.annotations:
        if annotation.trusted and not (untouched and annotation.original_bbox):
            continue  # what its box was before is not known, or was not what the others are
        if annotation.id in trusted:
            pair = (annotation.unrefined if annotation.trusted else annotation.bbox, trusted[annotation.id])
        elif annotation.trusted:
            pair = (annotation.unrefined, annotation.bbox)
        else:
            continue
        if coco.why_unusable(annotation._replace(bbox=pair[0])) is None:
            teaching.append((annotation, *pair))
    annotations = [annotation for annotation, _, _ in teaching]
    row_of = {category.id: row for row, category in enumerate(coco.categories)}
    offsets = measure_offsets(
        corners([noisy for _, noisy, _ in teaching]),
        corners([true for _, _, true in teaching]),
        image_sizes(coco, annotations),
        np.array([row_of[annotation.category_id] for annotation in annotations], dtype=np.int64),
        len(coco.categories),
    )
    return offsets, len(teaching)


def _with_box(coco: CocoFile, annotation: Annotation, box: Xywh) -> JsonObject:
    """A copy of an annotation with another box, which keeps its own."""
    new = with_new_box(coco.entry(annotation), box)
    new.pop("refine_iou", None)  # of the box that was moved
    return new
