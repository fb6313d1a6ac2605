"""What refining would have done to trusted boxes, had nobody checked them: how good it is, and its scores."""

from dataclasses import dataclass

import torch

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.offsets_record import offsets_of
from ssd_det.annotations.untrusted import untrusted_of
from ssd_det.ops.boxes import corners, iou
from ssd_det.refining.truth_check import wilson_interval
from ssd_det.report.reliability import Reliability, reliability


@dataclass(frozen=True)
class TrustedReliability:
    """How refined boxes compare with trusted ones; the order of the fields is that of the json file.

    Attributes:
        original: mean IoU of the trusted boxes with those that the annotations had at first.
        before: with those that refining started from, corrected by what all boxes share.
        after: with those that the annotations would have after refining.
        low: the lower end of the 95% interval (Wilson) of the share of refined boxes that are closer.
        high: its upper end.
        scores: how well those of the refined boxes tell whether they are closer than the boxes before, whether they
            would have been taken or not. Each is of a fit that has not seen its box.
        offsets: what all boxes had in common, in words; ``None`` where that is not known.
    """

    original: float
    before: float
    after: float
    low: float
    high: float
    scores: Reliability
    offsets: str | None


def trusted_reliability(coco: CocoFile) -> TrustedReliability | None:
    """Judge refined boxes by the trusted ones of a file; ``None`` where it holds none that tell what they would be.

    Raises:
        InputError: if what it says of them is something else.
    """
    known = [(annotation, untrusted_of(coco, annotation)) for annotation in coco.annotations if annotation.trusted]
    scored = [(annotation, other) for annotation, other in known if other and other.refined and other.score is not None]
    if not scored:
        return None
    trusted = corners([annotation.bbox for annotation, _ in scored])
    original = iou(corners([annotation.unrefined for annotation, _ in scored]), trusted)
    before = iou(corners([other.box for _, other in scored]), trusted)
    after = iou(corners([other.current for _, other in scored]), trusted)
    refined = iou(corners([other.refined or other.box for _, other in scored]), trusted)
    scores = torch.tensor([other.score for _, other in scored], dtype=torch.float32)
    measured = reliability(scores, refined > before)
    low, high = wilson_interval(int((refined > before).sum()), len(scored))
    record = offsets_of(coco.content)
    return TrustedReliability(
        original=original.mean().item(),
        before=before.mean().item(),
        after=after.mean().item(),
        low=low,
        high=high,
        scores=measured,
        offsets=record.sentence if record else None,
    )
