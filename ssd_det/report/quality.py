"""How close boxes are to the true ones, and how the bad ones fail."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import CocoFile
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import area, intersection, iof, iou
from ssd_det.ops.id_rows import rows_of
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.references import measure_against, measure_against_some
from ssd_det.report.reliability import Reliability, reliability

THRESHOLDS = (0.5, 0.75, 0.9)
SIZE_LIMITS = (("small", 32.0**2), ("medium", 96.0**2), ("large", float("inf")))
FAILED_IOU = 0.5
GROUP_COVER = 0.5
PART_INSIDE = 0.9
MOST_PAIRS = 100_000  # boxes of an image that are compared at once: a few MB, which fit the cache of a processor


@dataclass(frozen=True)
class Statistics:
    """The IoU of boxes with the true ones; all but the count is ``None`` where there are no boxes.

    Attributes:
        count: how many boxes.
        mean_iou: their mean IoU.
        above_50: the share of them whose IoU is above 0.5.
        above_75: above 0.75.
        above_90: above 0.9.
    """

    count: int
    mean_iou: float | None
    above_50: float | None
    above_75: float | None
    above_90: float | None


@dataclass(frozen=True)
class Failures:
    """How many boxes whose IoU with the truth is below 0.5 fail in which way, the first that fits.

    Attributes:
        drift: higher IoU with another object of the image.
        group: covers at least half of two or more true boxes.
        part: at least 0.9 of the box lies inside its true box.
        other: all others.
    """

    drift: int
    group: int
    part: int
    other: int


@dataclass(frozen=True)
class Quality:
    """How close boxes are to the true ones.

    Attributes:
        all: of all boxes.
        by_category: of the boxes of each category that has any, by its name.
        by_size: of small, medium and large ones, whose true areas are below 32² and 96² pixels, and above.
        failures: of all boxes.
    """

    all: Statistics
    by_category: dict[str, Statistics]
    by_size: dict[str, Statistics]
    failures: Failures


@dataclass(frozen=True)
class Comparison:
    """Boxes before and after refining, compared with the true ones; as a json object it is quality.json.

    Attributes:
        annotations: how many were compared.
        left_out: how many were not: crowd boxes, and those whose true boxes have no area.
        before: ``None`` where no earlier boxes are known.
        after: of the boxes as they are.
        scores: whether the scores of boxes tell that these are closer to the true ones than before; ``None`` where
            boxes have none.
    """

    annotations: int
    left_out: int
    before: Quality | None
    after: Quality
    scores: Reliability | None


@collection_paused()
def compare(file: CocoFile, reference: CocoFile, before: CocoFile | None = None) -> Comparison:
    """Compare the boxes of a file with true boxes, annotation by annotation.

    Args:
        file: the boxes to judge, refined ones as a rule.
        reference: the true boxes, under the same annotation ids.
        before: the boxes before refining; ``original_bbox`` is taken where it is not given.

    Raises:
        InputError: if annotation ids differ.
    """
    return compare_measured(measure_against(file, reference, before), reference)


def compare_trusted(file: CocoFile, trusted: Mapping[int, Xywh], before: CocoFile | None = None) -> Comparison:
    """Compare the boxes of a file with those that a person has checked, where these are not in it themselves.

    Args:
        file: the boxes to judge.
        trusted: boxes xywh, by annotation id.
        before: the boxes before refining, as in :func:`compare`.

    Raises:
        InputError: if there is none to compare with, or annotation ids differ.
    """
    checked = [a._replace(bbox=trusted[a.id]) for a in file.annotations if a.id in trusted and not a.trusted]
    if not checked:
        raise InputError(
            f"{file.path}: none of its annotations has a trusted box that is not in it already: "
            f"give trusted boxes that were kept back."
        )
    reference = replace(file, annotations=checked)
    return compare_measured(measure_against_some(file, reference, before), reference)


def compare_measured(boxes: MeasuredBoxes, reference: CocoFile) -> Comparison:
    """Compare boxes with the true ones that they were measured against.

    Args:
        boxes: of a file.
        reference: the true boxes of all its annotations or of some, under the same ids.
    """
    references = reference.columns
    rows = rows_of(references.id, boxes.annotations.id)
    measurable = references.measurable
    compared = references.rows(measurable)
    # Categories, images and the order are those of the reference.
    judged = replace(boxes.rows(rows[measurable]), annotations=compared)
    refined = boxes.refined[torch.from_numpy(rows)]
    names = unique_names(reference)
    return Comparison(
        annotations=len(compared),
        left_out=len(references) - len(compared),
        before=_quality(judged, judged.before, judged.iou_with_true_before, names) if refined.any() else None,
        after=_quality(judged, judged.after, judged.iou_with_true_after, names),
        scores=_judge_scores(boxes),
    )


def _judge_scores(boxes: MeasuredBoxes) -> Reliability | None:
    """How well the scores of refined boxes tell whether refining brought these closer to the true ones."""
    known = boxes.has_truth.tolist()
    rows = [row for row, score in enumerate(boxes.scores) if score is not None and known[row]]
    if not rows:
        return None
    scored = boxes.rows(rows)
    scores = torch.tensor(scored.scores, dtype=torch.float32)
    return reliability(scores.clamp(0, 1), scored.refining_helped)


def _quality(judged: MeasuredBoxes, boxes: Tensor, overlaps: Tensor, names: dict[int, str]) -> Quality:
    """Measure boxes against true ones.

    Args:
        judged: the annotations, and the true boxes.
        boxes: ``Tensor[N, 4]``, those of its boxes that are judged.
        overlaps: ``Tensor[N]``, their IoU with the true ones.
        names: of the categories, by id.
    """
    categories = torch.from_numpy(judged.annotations.category_id)
    areas = area(judged.true)
    by_size, lower = {}, 0.0
    for name, upper in SIZE_LIMITS:
        by_size[name] = _statistics(overlaps[(areas >= lower) & (areas < upper)])
        lower = upper
    return Quality(
        all=_statistics(overlaps),
        by_category={
            name: _statistics(overlaps[marks]) for key, name in names.items() if (marks := categories == key).any()
        },
        by_size=by_size,
        failures=failure_counts(boxes, judged.true, torch.from_numpy(judged.annotations.image_id)),
    )


def failure_counts(boxes: Tensor, true: Tensor, image_ids: Tensor) -> Failures:
    """Count in which way boxes fail.

    Args:
        boxes: ``Tensor[N, 4]``, xyxy.
        true: ``Tensor[N, 4]``, xyxy.
        image_ids: ``LongTensor[N]``.
    """
    order = image_ids.argsort()
    boxes, true = boxes[order], true[order]
    _, objects = torch.unique_consecutive(image_ids[order], return_counts=True)
    first = (objects.cumsum(0) - objects).repeat_interleave(objects)
    count = objects.repeat_interleave(objects)
    iou_with_own = iou(boxes, true)
    failed = torch.nonzero(iou_with_own < FAILED_IOU).flatten()
    kinds = len(fields(Failures))
    counts = torch.zeros(kinds, dtype=torch.long)
    blocks = (count[failed].cumsum(0) // MOST_PAIRS).unique_consecutive(return_counts=True)[1]
    for judged in torch.split(failed, blocks.tolist()):
        row = torch.arange(len(judged)).repeat_interleave(count[judged])
        before = count[judged].cumsum(0) - count[judged]
        other = true[first[judged][row] + torch.arange(len(row)) - before[row]]
        bad = boxes[judged]
        best = iou_with_own.new_zeros(len(judged)).scatter_reduce(0, row, iou(bad[row], other), "amax")
        covered = intersection(bad[row], other) / area(other) >= GROUP_COVER
        group = row[covered].bincount(minlength=len(judged)) >= 2
        part = iof(bad, true[judged]) >= PART_INSIDE
        kind = torch.where(best > iou_with_own[judged], 0, torch.where(group, 1, torch.where(part, 2, 3)))
        counts += kind.bincount(minlength=kinds)
    return Failures(*counts.tolist())


def _statistics(overlaps: Tensor) -> Statistics:
    if not len(overlaps):
        return Statistics(0, None, None, None, None)
    above_50, above_75, above_90 = ((overlaps > level).double().mean().item() for level in THRESHOLDS)
    return Statistics(len(overlaps), overlaps.mean().item(), above_50, above_75, above_90)
