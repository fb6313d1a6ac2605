"""Putting refined boxes into an annotation file."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from pycocotools import mask as masks

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.entries import COORDINATE_DIGITS, REFINED_FROM, ChangedEntries, one_by_one, with_new_box
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.untrusted import KEY as UNTRUSTED
from ssd_det.annotations.untrusted import Untrusted, untrusted_of
from ssd_det.errors import InputError
from ssd_det.ops import box_arrays
from ssd_det.ops.box_types import Xywh, Xyxy, to_xywh
from ssd_det.ops.boxes import centre_distance, corners, iou

SCORE_DIGITS = 4
AGREEMENT_IOU = 0.9
MAX_RUN = 2**31


class Refinement(NamedTuple):
    """A refined box, xyxy in pixels of the original image, and its score in [0, 1]."""

    box: Xyxy
    score: float


@dataclass(frozen=True)
class Guard:
    """When an annotation keeps the box that it has.

    Attributes:
        min_score: if the refined box's score is below it.
        max_shift: if a side would move by more than this share of the box's width or height.
    """

    min_score: float | None = None
    max_shift: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            InputError: if one is out of range.
        """
        if self.min_score is not None and not 0 <= self.min_score <= 1:
            raise InputError(f"min_score is {self.min_score}: give a number from 0 to 1.")
        if self.max_shift is not None and not self.max_shift > 0:
            raise InputError(f"max_shift is {self.max_shift}: give a number above 0.")

    def with_default(self, min_score: float) -> "Guard":
        """The same guard, with this score where none was given."""
        return Guard(min_score, self.max_shift) if self.min_score is None else self

    def why_kept(self, box: Xywh, refined: Xywh, score: float) -> str | None:
        """Why a box xywh is kept in place of a refined one; ``None`` where the refined one is taken."""
        if self.min_score is not None and score < self.min_score:
            return f"score below {self.min_score:.2f}"
        if self.max_shift is not None:
            moves = [(refined[0] - box[0]) / box[2], (refined[1] - box[1]) / box[3]]
            moves += [
                (refined[axis] + refined[axis + 2] - box[axis] - box[axis + 2]) / box[axis + 2] for axis in (0, 1)
            ]
            if max(map(abs, moves)) > self.max_shift:
                return f"shift above {self.max_shift:g}"
        return None


@dataclass(frozen=True)
class RefineSummary:
    """What refining did to a file.

    Attributes:
        refined: how many annotations have a refined box.
        mean_shift: mean distance of their centres from the original ones, in pixels.
        mean_iou: mean IoU of refined and original boxes.
        passed_through: how many annotations are as they were, by reason.
        segmentations: refined annotations whose segmentation does not agree with the new box.
    """

    refined: int
    mean_shift: float
    mean_iou: float
    passed_through: dict[str, int]
    segmentations: int


NO_GUARD = Guard()


def refined_content(
    coco: CocoFile, refinements: Mapping[int, Refinement], passed_over: Mapping[int, str], guard: Guard = NO_GUARD
) -> tuple[JsonObject, RefineSummary]:
    """Copy the content of a file with refined boxes in it.

    A refined annotation gets the new ``bbox``, an ``area`` that follows where it was width times height, and
    the keys ``original_bbox`` (kept if it has one), ``refine_score`` and ``refine_iou``; ``original_area`` where
    that does not follow from the original box, and ``refined_from``, its box, where that is not the original one.
    A trusted annotation stays, and keeps under ``untrusted`` what refining would have done to it. All else passes
    through.

    Args:
        coco: the file with the noisy boxes; its content is not changed.
        refinements: by annotation id.
        passed_over: why images were not refined, by image id.
        guard: lets annotations pass through whose refined boxes cannot be trusted.

    Raises:
        InputError: if an annotation that can be refined is not among the refinements.
    """
    total = len(coco.content["annotations"])
    passed: Counter[str] = Counter()
    chosen: list[Annotation] = []
    boxes, scores = np.zeros((total, 4)), np.zeros(total)  # by position
    judged: dict[int, JsonObject] = {}  # trusted annotations, by position
    for annotation in coco.annotations:
        reason = coco.why_unusable(annotation) or coco.why_fixed(annotation)
        if annotation.trusted and annotation.id in refinements and annotation.image_id not in passed_over:
            judged |= _judged_entry(coco, annotation, refinements[annotation.id], guard)
        if reason is None:
            reason = passed_over.get(annotation.image_id)
        if reason is None:
            refinement = refinements.get(annotation.id)
            if refinement is None:
                raise InputError(
                    f"{coco.path}: annotation {annotation.id} was not refined: "
                    f"leave out trainer.fast_dev_run and trainer.limit_predict_batches."
                )
            box = _rounded(refinement.box)
            reason = "no area after refining"
            if box[2] > 0 and box[3] > 0:
                reason = guard.why_kept(annotation.bbox, box, refinement.score)
            if reason is None:
                chosen.append(annotation)
                boxes[annotation.position], scores[annotation.position] = box, refinement.score
                continue
        passed[reason] += 1

    positions = np.array([annotation.position for annotation in chosen], dtype=np.int64)
    old, new = corners([annotation.unrefined for annotation in chosen]), corners(boxes[positions])
    overlaps = np.full(total, np.nan)
    overlaps[positions] = iou(old, new).numpy()
    is_refined = np.zeros(total, dtype=bool)
    is_refined[positions] = True

    def change(position: int, entry: JsonObject) -> JsonObject:
        if not is_refined[position]:
            return judged.get(position, entry)
        return _refined_entry(entry, boxes[position].tolist(), scores[position], overlaps[position])

    summary = RefineSummary(
        refined=len(chosen),
        mean_shift=centre_distance(new, old).mean().item() if chosen else 0.0,
        mean_iou=overlaps[positions].mean().item() if chosen else 1.0,
        passed_through=dict(passed),
        segmentations=sum(not _agrees(coco, annotation, boxes[annotation.position]) for annotation in chosen),
    )
    return {**coco.content, "annotations": ChangedEntries(coco.content["annotations"], one_by_one(change))}, summary


def _refined_entry(entry: JsonObject, box: list[float], score: float, overlap: float) -> JsonObject:
    """Copy an annotation as it stands in the file with its refined box xywh in it."""
    was_moved = entry.get("original_bbox") is not None
    return with_new_box(
        entry,
        box,
        **({REFINED_FROM: entry["bbox"]} if was_moved else {}),
        refine_score=round(float(score), SCORE_DIGITS),
        refine_iou=round(float(overlap), SCORE_DIGITS),
    )


def _judged_entry(
    coco: CocoFile, annotation: Annotation, refinement: Refinement, guard: Guard
) -> dict[int, JsonObject]:
    """A trusted annotation with what refining would have done to it, by position; none where this is not known."""
    known, box = untrusted_of(coco, annotation), _rounded(refinement.box)
    if known is None or coco.why_unusable(annotation._replace(bbox=known.current)) or box[2] <= 0 or box[3] <= 0:
        return {}
    before, score = known.current, round(float(refinement.score), SCORE_DIGITS)
    taken = guard.why_kept(before, box, refinement.score) is None
    return {
        annotation.position: {
            **coco.entry(annotation),
            UNTRUSTED: Untrusted(before, box, score, taken).to_json(),
        }
    }


def _rounded(box: Xyxy) -> Xywh:
    x, y, width, height = (round(value, COORDINATE_DIGITS) for value in to_xywh(box))
    return Xywh((x, y, width, height))


def _agrees(coco: CocoFile, annotation: Annotation, box: box_arrays.Floats) -> bool:
    """Whether a box xywh bounds the segmentation; also where there is no segmentation that can be read."""
    segmentation = coco.entry(annotation).get("segmentation")
    image = coco.image_by_id[annotation.image_id]
    bounds = _polygon_bounds(segmentation) if isinstance(segmentation, list) else _mask_bounds(segmentation, image)
    if bounds is None:
        return True
    return bool(box_arrays.iou(box_arrays.corners([bounds]), box_arrays.corners(box)) > AGREEMENT_IOU)


def _polygon_bounds(polygons: list[object]) -> Xywh | None:
    """The box xywh around polygons, each a list x, y, x, y, ..."""
    try:
        points = np.concatenate([np.asarray(polygon, dtype=float).reshape(-1, 2) for polygon in polygons])
    except (TypeError, ValueError):
        return None
    x, y = points.min(axis=0).tolist()
    right, bottom = points.max(axis=0).tolist()
    return Xywh((x, y, right - x, bottom - y))


def _mask_bounds(mask: object, image: Image) -> Xywh | None:
    """The box xywh around a run-length mask of an image, with counts as a list or compressed."""
    if not isinstance(mask, dict) or mask.get("size") != [image.height, image.width]:
        return None
    counts = mask.get("counts")
    if isinstance(counts, list) and counts and all(isinstance(count, int) and 0 <= count < MAX_RUN for count in counts):
        mask = masks.frPyObjects(mask, image.height, image.width)
    elif not isinstance(counts, str) or not counts.isascii():
        return None
    x, y, width, height = masks.toBbox(mask).tolist()
    return Xywh((x, y, width, height))
