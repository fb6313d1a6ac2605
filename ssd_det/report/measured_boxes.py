"""The boxes of annotations, before and after refining, measured against each other and against the true ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.annotations.entries import REFINED_FROM
from ssd_det.annotations.regular_entries import refining_values
from ssd_det.annotations.values import box_of, is_number
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import centre_distance, corners, iou

DIGITS = 4
UNKNOWN = Xywh((float("nan"),) * 4)


class BoxChange(NamedTuple):
    """What refining did to one annotation; ``None`` where it was not refined, or something is not known.

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


@dataclass(frozen=True)
class MeasuredBoxes:
    """A table of boxes, a row for each annotation; boxes are float64, xyxy in pixels.

    Attributes:
        annotations: N of them.
        before: ``Tensor[N, 4]``, before refining; the same as after where a box was not refined.
        after: ``Tensor[N, 4]``.
        true: ``Tensor[N, 4]``, NaN where it is not known.
        true_boxes: the same xywh, to the digit, ``None`` where it is not known.
        scores: ``refine_score`` of each, ``None`` where it has none.
        refined: ``BoolTensor[N]``, whether the box before refining is known to be another.
        shift: ``Tensor[N]``, of the centre, in pixels.
        iou_with_original: ``Tensor[N]``, of the boxes before and after, 1 where a box was not refined.
        iou_with_true_before: ``Tensor[N]``, NaN where the true box is not known.
        iou_with_true_after: ``Tensor[N]``, NaN where the true box is not known.
        refining_helped: ``BoolTensor[N]``, whether the box is closer to the true one than the one that refining started
            from, which is not the one before where that had been corrected.
    """

    annotations: list[Annotation]
    before: Tensor
    after: Tensor
    true: Tensor
    true_boxes: list[Xywh | None]
    scores: list[float | None]
    refined: Tensor
    shift: Tensor
    iou_with_original: Tensor
    iou_with_true_before: Tensor
    iou_with_true_after: Tensor
    refining_helped: Tensor

    @property
    def has_truth(self) -> Tensor:
        """Whether the true box is known, ``BoolTensor[N]``."""
        return known_rows(self.true_boxes)

    def rows(self, indices: Sequence[int]) -> "MeasuredBoxes":
        """Some of the rows, in the order of their indices."""
        rows = torch.tensor(indices, dtype=torch.long)
        return MeasuredBoxes(
            annotations=[self.annotations[index] for index in indices],
            before=self.before[rows],
            after=self.after[rows],
            true=self.true[rows],
            true_boxes=[self.true_boxes[index] for index in indices],
            scores=[self.scores[index] for index in indices],
            refined=self.refined[rows],
            shift=self.shift[rows],
            iou_with_original=self.iou_with_original[rows],
            iou_with_true_before=self.iou_with_true_before[rows],
            iou_with_true_after=self.iou_with_true_after[rows],
            refining_helped=self.refining_helped[rows],
        )

    def changes(self) -> list[BoxChange]:
        """What refining did to each annotation, rounded."""
        columns = zip(
            self.scores,
            self.refined.tolist(),
            self.shift.tolist(),
            self.iou_with_original.tolist(),
            self.has_truth.tolist(),
            self.iou_with_true_before.tolist(),
            self.iou_with_true_after.tolist(),
            strict=True,
        )
        return [
            BoxChange(
                score=score if refined else None,
                shift=round(shift, DIGITS) if refined else None,
                iou=round(overlap, DIGITS) if refined else None,
                before=round(before, DIGITS) if known else None,
                after=round(after, DIGITS) if known else None,
            )
            for score, refined, shift, overlap, known, before, after in columns
        ]


def known_rows(boxes: Sequence[Xywh | None]) -> Tensor:
    """Which of N boxes are known, ``BoolTensor[N]``."""
    return torch.tensor([box is not None for box in boxes], dtype=torch.bool)


def measure_file(
    coco: CocoFile, true_boxes: Mapping[int, Xywh], old_boxes: Mapping[int, Xywh] | None = None
) -> MeasuredBoxes:
    """Measure the boxes of a file.

    Args:
        coco: the file, with ``original_bbox`` where boxes were refined.
        true_boxes: by annotation id, where they are known.
        old_boxes: the boxes before refining, by annotation id; ``original_bbox`` is taken where not given.

    Returns:
        A row for each annotation, in the file's order.

    Raises:
        InputError: if a box that refining started from is no box.
    """
    by_position = refining_values(coco.content["annotations"])
    scores = {a.id: score for a in coco.annotations if is_number(score := by_position[a.position].refine_score)}
    starts: dict[int, Xywh] = {}
    for annotation in coco.annotations if old_boxes is None else ():
        start = by_position[annotation.position].refined_from
        if start is not None:
            starts[annotation.id] = box_of(f"{coco.path}: annotation {annotation.id}", REFINED_FROM, start)
    return measure(coco.annotations, true_boxes, scores, old_boxes, starts)


def measure(
    annotations: Sequence[Annotation],
    true_boxes: Mapping[int, Xywh],
    scores: Mapping[int, float],
    old_boxes: Mapping[int, Xywh] | None = None,
    refined_from: Mapping[int, Xywh] = MappingProxyType({}),
) -> MeasuredBoxes:
    """Measure the boxes of annotations.

    Args:
        annotations: with ``original_bbox`` where boxes were refined.
        true_boxes: by annotation id, where they are known.
        scores: of refined boxes, by annotation id, where they have one.
        old_boxes: the boxes before refining, by annotation id; ``original_bbox`` is taken where not given.
        refined_from: the boxes that refining started from, by annotation id, where these are others than those before.
    """
    before = corners([a.unrefined if old_boxes is None else old_boxes[a.id] for a in annotations])
    after = corners([a.bbox for a in annotations])
    known_boxes = [true_boxes.get(a.id) for a in annotations]
    true = corners([box or UNKNOWN for box in known_boxes])
    refined = torch.tensor([old_boxes is not None or a.original_bbox is not None for a in annotations]).bool()
    before_iou, after_iou = iou(before, true), iou(after, true)
    start_iou = before_iou
    if refined_from:
        starts = [refined_from.get(a.id) for a in annotations]
        start_iou = torch.where(known_rows(starts), iou(corners([box or UNKNOWN for box in starts]), true), before_iou)
    return MeasuredBoxes(
        annotations=list(annotations),
        before=before,
        after=after,
        true=true,
        true_boxes=known_boxes,
        scores=[scores.get(a.id) for a in annotations],
        refined=refined,
        shift=centre_distance(after, before),
        iou_with_original=torch.where(refined, iou(after, before), 1.0),
        iou_with_true_before=before_iou,
        iou_with_true_after=after_iou,
        refining_helped=after_iou > start_iou,
    )


def carried_true_boxes(annotations: Sequence[Annotation]) -> dict[int, Xywh]:
    """The true boxes that annotations carry as ``true_bbox``, by annotation id."""
    return {a.id: a.true_bbox for a in annotations if a.true_bbox}
