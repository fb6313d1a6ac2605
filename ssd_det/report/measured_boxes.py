"""The boxes of annotations, before and after refining, measured against each other and against the true ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import AnnotationColumns, Floats, Integers
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.entries import REFINED_FROM
from ssd_det.annotations.regular_entries import refining_values
from ssd_det.annotations.values import box_of, is_number
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import centre_distance, corners, iou
from ssd_det.report.boxes_by_id import BoxesById

DIGITS = 4


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
        true_xywh: ``[N, 4]``, the same xywh, to the digit.
        scores: ``refine_score`` of each, ``None`` where it has none.
        refined: ``BoolTensor[N]``, whether the box before refining is known to be another.
        shift: ``Tensor[N]``, of the centre, in pixels.
        iou_with_original: ``Tensor[N]``, of the boxes before and after, 1 where a box was not refined.
        iou_with_true_before: ``Tensor[N]``, NaN where the true box is not known.
        iou_with_true_after: ``Tensor[N]``, NaN where the true box is not known.
        refining_helped: ``BoolTensor[N]``, whether the box is closer to the true one than the one that refining started
            from, which is not the one before where that had been corrected.
    """

    annotations: AnnotationColumns
    before: Tensor
    after: Tensor
    true: Tensor
    true_xywh: Floats
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
        return _are_known(self.true_xywh)

    @property
    def true_boxes(self) -> list[Xywh | None]:
        """The true boxes xywh, ``None`` where they are not known."""
        return [
            Xywh((x, y, width, height)) if known else None
            for (x, y, width, height), known in zip(self.true_xywh.tolist(), self.has_truth.tolist(), strict=True)
        ]

    def rows(self, indices: Sequence[int] | Integers) -> "MeasuredBoxes":
        """Some of the rows, in the order of their indices."""
        chosen = np.array(indices, dtype=np.int64)
        if np.array_equal(chosen, np.arange(len(self.annotations))):
            return self
        rows = torch.from_numpy(chosen)
        return MeasuredBoxes(
            annotations=self.annotations.rows(chosen),
            before=self.before[rows],
            after=self.after[rows],
            true=self.true[rows],
            true_xywh=self.true_xywh[chosen],
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


def measure_file(coco: CocoFile, true_boxes: BoxesById, old_boxes: BoxesById | None = None) -> MeasuredBoxes:
    """Measure the boxes of a file.

    Args:
        coco: the file, with ``original_bbox`` where boxes were refined.
        true_boxes: those that are known.
        old_boxes: the boxes before refining; ``original_bbox`` is taken where not given.

    Returns:
        A row for each annotation, in the file's order.

    Raises:
        InputError: if a box that refining started from is no box.
    """
    by_position = refining_values(coco.content["annotations"])
    values = [by_position[position] for position in coco.columns.position.tolist()]
    scores = [score if (score := value.refine_score) is not None and is_number(score) else None for value in values]
    starts: dict[int, Xywh] = {}
    if old_boxes is None:
        for row in [row for row, value in enumerate(values) if value.refined_from is not None]:
            key = int(coco.columns.id[row])
            starts[key] = box_of(f"{coco.path}: annotation {key}", REFINED_FROM, values[row].refined_from)
    return measure(coco.columns, true_boxes, scores, old_boxes, BoxesById.of(starts))


def measure(
    annotations: Sequence[Annotation],
    true_boxes: BoxesById,
    scores: Sequence[float | None],
    old_boxes: BoxesById | None = None,
    refined_from: BoxesById | None = None,
) -> MeasuredBoxes:
    """Measure the boxes of annotations.

    Args:
        annotations: with ``original_bbox`` where boxes were refined.
        true_boxes: those that are known.
        scores: of each box, ``None`` where it has none.
        old_boxes: the boxes before refining; ``original_bbox`` is taken where not given.
        refined_from: the boxes that refining started from, where these are others than those before.
    """
    columns = AnnotationColumns.of(annotations)
    before = corners(columns.unrefined if old_boxes is None else old_boxes.at(columns.id))
    after = corners(columns.bbox)
    true_xywh = true_boxes.at(columns.id)
    true = corners(true_xywh)
    refined = torch.from_numpy(~np.isnan(columns.original_bbox[:, 0]) | (old_boxes is not None))
    before_iou, after_iou = iou(before, true), iou(after, true)
    start_iou = before_iou
    if refined_from is not None and len(refined_from):
        starts = refined_from.at(columns.id)
        start_iou = torch.where(_are_known(starts), iou(corners(starts), true), before_iou)
    return MeasuredBoxes(
        annotations=columns,
        before=before,
        after=after,
        true=true,
        true_xywh=true_xywh,
        scores=list(scores),
        refined=refined,
        shift=centre_distance(after, before),
        iou_with_original=torch.where(refined, iou(after, before), 1.0),
        iou_with_true_before=before_iou,
        iou_with_true_after=after_iou,
        refining_helped=after_iou > start_iou,
    )


def carried_true_boxes(annotations: Sequence[Annotation]) -> BoxesById:
    """The true boxes that annotations carry as ``true_bbox``."""
    columns = AnnotationColumns.of(annotations)
    carrying = ~np.isnan(columns.true_bbox[:, 0])
    return BoxesById(columns.id[carrying], columns.true_bbox[carrying])


def _are_known(boxes: Floats) -> Tensor:
    """Which of N boxes ``[N, 4]`` are no NaN, ``BoolTensor[N]``."""
    return torch.from_numpy(~np.isnan(boxes[:, 0]))
