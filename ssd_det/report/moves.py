"""How refining moved annotations, one by one."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.annotations.values import is_number
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import centre_distance, corners, iou

DIGITS = 4


class Move(NamedTuple):
    """What refining did to an annotation; ``None`` where it was not refined, or something is not known.

    Attributes:
        score: of the refined box.
        shift: of the centre, in pixels.
        iou: of the refined with the original box.
        before: IoU of the box before refining with the true one.
        after: IoU of the box with the true one.
    """

    score: float | None
    shift: float | None
    iou: float | None
    before: float | None
    after: float | None


def moves(coco: CocoFile, annotations: Sequence[Annotation], true_boxes: Mapping[int, Xywh]) -> list[Move]:
    """Measure what refining did to annotations.

    Args:
        coco: the file, with ``original_bbox`` where boxes were refined.
        annotations: some of it.
        true_boxes: xywh, by annotation id, where they are known.
    """
    old, new = corners([a.unrefined for a in annotations]), corners([a.bbox for a in annotations])
    truth = [true_boxes.get(a.id) for a in annotations]
    columns = zip(
        annotations,
        centre_distance(new, old).tolist(),
        iou(new, old).tolist(),
        overlaps_with_true([a.unrefined for a in annotations], truth),
        overlaps_with_true([a.bbox for a in annotations], truth),
        strict=True,
    )
    return [
        Move(_score(coco, annotation), round(shift, DIGITS), round(overlap, DIGITS), before, after)
        if annotation.original_bbox
        else Move(None, None, None, before, after)
        for annotation, shift, overlap, before, after in columns
    ]


def overlaps_with_original(annotations: Sequence[Annotation]) -> list[float]:
    """IoU of boxes with those before refining, 1 for those that were not refined."""
    overlaps = iou(corners([a.unrefined for a in annotations]), corners([a.bbox for a in annotations])).tolist()
    return [value if a.original_bbox else 1.0 for a, value in zip(annotations, overlaps, strict=True)]


def overlaps_with_true(boxes: Sequence[Xywh], truth: Sequence[Xywh | None]) -> list[float | None]:
    """IoU of boxes xywh with true ones, ``None`` where these are not known."""
    overlaps = iou(corners(boxes), corners([true or box for true, box in zip(truth, boxes, strict=True)])).tolist()
    return [round(overlap, DIGITS) if true else None for overlap, true in zip(overlaps, truth, strict=True)]


def _score(coco: CocoFile, annotation: Annotation) -> float | None:
    score = coco.entry(annotation).get("refine_score")
    return score if is_number(score) else None
