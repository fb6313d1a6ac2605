"""How close boxes are to the true ones, and how the bad ones fail."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import area, corners, intersection, iof, iou
from ssd_det.report.reliability import reliability

THRESHOLDS = (0.5, 0.75, 0.9)
SIZE_LIMITS = (("small", 32.0**2), ("medium", 96.0**2), ("large", float("inf")))
FAILURES = ("drift", "group", "part", "other")
FAILED_IOU = 0.5
GROUP_COVER = 0.5
PART_INSIDE = 0.9
MOST_PAIRS = 1_000_000  # boxes of an image that are compared at once


@collection_paused()
def compare(file: CocoFile, reference: CocoFile, before: CocoFile | None = None) -> dict[str, Any]:
    """Compare the boxes of a file with true boxes, annotation by annotation.

    Crowd boxes and true boxes without area are left out.

    Args:
        file: the boxes to judge, refined ones as a rule.
        reference: the true boxes, under the same annotation ids.
        before: the boxes before refining; ``original_bbox`` is taken where it is not given.

    Returns:
        ``annotations`` (how many were compared), ``left_out``, ``after`` and ``before`` (``None`` where no
        earlier boxes are known), the last two as :func:`quality` gives them, and ``scores``, as
        :func:`ssd_det.report.reliability.reliability` gives it, ``None`` where boxes have none.

    Raises:
        InputError: if annotation ids differ.
    """
    _check_ids(file, reference)
    if before is not None:
        _check_ids(before, reference)
    compared = [annotation for annotation in reference.annotations if annotation.measurable]
    after_boxes = {a.id: a.bbox for a in file.annotations}
    if before is not None:
        before_boxes = {a.id: a.bbox for a in before.annotations}
        known = True
    else:
        known = any(a.original_bbox is not None for a in file.annotations)
        before_boxes = {a.id: a.unrefined for a in file.annotations}
    names = unique_names(reference)
    return {
        "annotations": len(compared),
        "left_out": len(reference.annotations) - len(compared),
        "before": quality(compared, [before_boxes[a.id] for a in compared], names) if known else None,
        "after": quality(compared, [after_boxes[a.id] for a in compared], names),
        "scores": _judge_scores(file, before_boxes, {a.id: a.bbox for a in compared}),
    }


def overlaps(file: CocoFile, reference: CocoFile) -> dict[str, list[float]]:
    """IoU with the true box of each box that can be measured, ``before`` and ``after`` refining.

    Args:
        file: the boxes, with ``original_bbox`` where they were refined.
        reference: the true boxes, under the same annotation ids.
    """
    target = {a.id: a.bbox for a in reference.annotations if a.measurable}
    judged = [a for a in file.annotations if a.id in target]
    truth = corners([target[a.id] for a in judged])
    return {
        "before": iou(corners([a.unrefined for a in judged]), truth).tolist(),
        "after": iou(corners([a.bbox for a in judged]), truth).tolist(),
    }


def _judge_scores(file: CocoFile, before: Mapping[int, Xywh], true: Mapping[int, Xywh]) -> dict[str, Any] | None:
    """How well the scores of refined boxes tell whether these are closer to the true ones."""
    entries = {a.id: file.entry(a).get("refine_score") for a in file.annotations if a.id in true}
    scored = [a for a in file.annotations if isinstance(entries.get(a.id), float | int)]
    if not scored:
        return None
    target = corners([true[a.id] for a in scored])
    better = iou(corners([a.bbox for a in scored]), target) > iou(corners([before[a.id] for a in scored]), target)
    scores = torch.tensor([entries[a.id] for a in scored], dtype=torch.float32)
    return reliability(scores.clamp(0, 1), better)


def quality(annotations: Sequence[Annotation], boxes: Sequence[Xywh], names: dict[int, str]) -> dict[str, Any]:
    """Measure boxes against true ones.

    Args:
        annotations: with the true boxes.
        boxes: the boxes to measure, xywh in pixels, in the same order.
        names: of the categories.

    Returns:
        ``all``, ``by_category`` (by name) and ``by_size`` (small, medium, large: true areas below 32² and
        96² pixels), each with ``count``, ``mean_iou`` and the shares ``above_50``, ``above_75``, ``above_90``;
        and ``failures``: how many boxes below IoU 0.5 fail by drift, group, part and otherwise.
    """
    true, found = corners([a.bbox for a in annotations]), corners(boxes)
    overlaps = iou(found, true)
    categories = torch.tensor([a.category_id for a in annotations])
    areas = area(true)
    by_size, lower = {}, 0.0
    for name, upper in SIZE_LIMITS:
        by_size[name] = _statistics(overlaps[(areas >= lower) & (areas < upper)])
        lower = upper
    return {
        "all": _statistics(overlaps),
        "by_category": {
            name: _statistics(overlaps[categories == key]) for key, name in names.items() if (categories == key).any()
        },
        "by_size": by_size,
        "failures": failure_counts(found, true, torch.tensor([a.image_id for a in annotations])),
    }


def failure_counts(boxes: Tensor, true: Tensor, image_ids: Tensor) -> dict[str, int]:
    """Count how boxes whose IoU with the truth is below 0.5 fail, one kind a box, the first that fits.

    *drift*: higher IoU with another object of the image; *group*: covers at least half of two or more true
    boxes; *part*: at least 0.9 of the box lies inside its true box; else *other*.

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
    own = iou(boxes, true)
    failed = torch.nonzero(own < FAILED_IOU).flatten()
    counts = torch.zeros(len(FAILURES), dtype=torch.long)
    blocks = (count[failed].cumsum(0) // MOST_PAIRS).unique_consecutive(return_counts=True)[1]
    for judged in torch.split(failed, blocks.tolist()):
        row = torch.arange(len(judged)).repeat_interleave(count[judged])
        before = count[judged].cumsum(0) - count[judged]
        other = true[first[judged][row] + torch.arange(len(row)) - before[row]]
        found = boxes[judged]
        best = own.new_zeros(len(judged)).scatter_reduce(0, row, iou(found[row], other), "amax")
        covered = intersection(found[row], other) / area(other) >= GROUP_COVER
        group = row[covered].bincount(minlength=len(judged)) >= 2
        part = iof(found, true[judged]) >= PART_INSIDE
        kind = torch.where(best > own[judged], 0, torch.where(group, 1, torch.where(part, 2, 3)))
        counts += kind.bincount(minlength=len(FAILURES))
    return dict(zip(FAILURES, counts.tolist(), strict=True))


def _statistics(overlaps: Tensor) -> dict[str, float | int | None]:
    count = len(overlaps)
    result: dict[str, float | int | None] = {"count": count}
    result["mean_iou"] = overlaps.mean().item() if count else None
    for threshold in THRESHOLDS:
        share = (overlaps > threshold).double().mean().item() if count else None
        result[f"above_{round(100 * threshold)}"] = share
    return result


def _check_ids(file: CocoFile, reference: CocoFile) -> None:
    ids, expected = ({a.id for a in coco.annotations} for coco in (file, reference))
    for missing, place, other in ((expected - ids, file, reference), (ids - expected, reference, file)):
        if missing:
            raise InputError(
                f"{place.path}: {len(missing)} annotation ids of {other.path} are not in it: "
                f"{first_of(sorted(missing))}: compare files with the same annotations."
            )
