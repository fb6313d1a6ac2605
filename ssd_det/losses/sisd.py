"""Spatial identity self-distillation: predict how well a proposal fits the object (eq. 8)."""

from torch import Tensor
from torch.nn import functional as F

from ssd_det.ops.boxes import iou

IOU_MEAN = 0.5
IOU_STD = 0.5


def predicted_iou(scores: Tensor) -> Tensor:
    """Turn the raw output of the IoU branch into an IoU, about 0 to 1, not clipped."""
    return scores * IOU_STD + IOU_MEAN


def sisd_loss(scores: Tensor, proposals: Tensor, boxes: Tensor, object_weight: Tensor | None = None) -> Tensor:
    """Smooth L1 (β = 1) between the IoU branch and the normalised IoU with stage I's box.

    Args:
        scores: ``Tensor[G, P]``, raw output of the IoU branch.
        proposals: ``Tensor[G, P, 4]``, xyxy in pixels.
        boxes: ``Tensor[G, 4]``, stage I's boxes, or where they should be.
        object_weight: ``Tensor[G]``; 1 where not given.

    Returns:
        Scalar: the mean over all proposals, 0 without any.
    """
    target = (iou(proposals, boxes[:, None]) - IOU_MEAN) / IOU_STD
    loss = F.smooth_l1_loss(scores, target, reduction="none")
    if object_weight is not None:
        loss = loss * object_weight[:, None]
    return loss.sum() / max(scores.numel(), 1)
