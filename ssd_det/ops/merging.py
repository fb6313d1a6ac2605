"""Merging a bag into one box."""

from typing import NamedTuple

import torch
from torch import Tensor

from ssd_det.ops.boxes import iou

WEIGHT_FLOOR = 1e-8
EXCLUSION_POWER = 4
COMPARED_AT_ONCE = 256  # bounds the memory of a pass over images with many objects


class MergedBoxes(NamedTuple):
    """Boxes merged from bags, and what they were merged from.

    Attributes:
        boxes: ``Tensor[G, 4]``, xyxy, detached, not clipped.
        members: ``LongTensor[G, k]``, the proposals that were merged.
        weights: ``Tensor[G, k]``, their shares, summing to 1 (to 0 where the fallback is used).
    """

    boxes: Tensor
    members: Tensor
    weights: Tensor


def merge_top(proposals: Tensor, ranking: Tensor, fallback: Tensor, top_k: int = 7) -> MergedBoxes:
    """Merge the ``top_k`` proposals of each bag that rank highest, weighted by their ranking (section 3.2).

    1e-8 is added to the shares after they were normalised to sum to 1, as in the published code.

    Args:
        proposals: ``Tensor[G, P, 4]``, xyxy.
        ranking: ``Tensor[G, P]``, not negative.
        fallback: ``Tensor[G, 4]``, the box to keep where a ranking is all zero or not finite.
        top_k: how many to merge; at most P are.

    Returns:
        The merged boxes with their members and shares.
    """
    ranking = ranking.detach()
    top, members = ranking.topk(min(top_k, ranking.shape[1]), dim=1)
    total = top.sum(1, keepdim=True)
    usable = (total > 0) & total.isfinite()
    weights = torch.where(usable, top / torch.where(usable, total, 1), 0)
    chosen = proposals.detach().gather(1, members[:, :, None].expand(-1, -1, 4))
    boxes = ((weights + WEIGHT_FLOOR)[:, :, None] * chosen).sum(1)
    return MergedBoxes(torch.where(usable, boxes, fallback.detach()), members, weights)


def agreement(proposals: Tensor, ranking: Tensor) -> Tensor:
    """How well each proposal agrees with its bag: the mean IoU with all its proposals, weighted by their ranking.

    Where a bag shows two objects, the proposals on the object with most of the ranking agree best: as in
    distribution-aware merging, the region where proposals gather is trusted.

    Args:
        proposals: ``Tensor[G, P, 4]``, xyxy.
        ranking: ``Tensor[G, P]``, not negative.

    Returns:
        ``Tensor[G, P]`` in [0, 1], detached.
    """
    proposals, ranking = proposals.detach(), ranking.detach()
    overlaps = iou(proposals[:, :, None], proposals[:, None])
    shares = ranking / ranking.sum(dim=1, keepdim=True).clamp(min=WEIGHT_FLOOR)
    return (overlaps * shares[:, None]).sum(dim=2)


def exclusion(proposals: Tensor, boxes: Tensor, rivals: Tensor) -> Tensor:
    """How free of other objects each proposal is: (1 − IoU)^4 with the nearest rival's box.

    Every annotation stands for a different object, so a proposal on another annotation's box is on the wrong object,
    however well it shows the class.

    Args:
        proposals: ``Tensor[G, P, 4]``, xyxy.
        boxes: ``Tensor[N, 4]``, xyxy, where each object seems to be.
        rivals: ``BoolTensor[G, N]``, which objects each bag must keep away from.

    Returns:
        ``Tensor[G, P]`` in [0, 1], detached.
    """
    proposals, boxes = proposals.detach(), boxes.detach()
    nearest = proposals.new_zeros(proposals.shape[:2])
    bags = torch.arange(len(proposals), device=boxes.device)
    for chunk in torch.split(bags, COMPARED_AT_ONCE) if len(bags) else ():
        overlaps = iou(proposals[chunk, :, None], boxes) * rivals[chunk, None]
        nearest[chunk] = overlaps.amax(dim=2)
    return (1 - nearest) ** EXCLUSION_POWER


def scale_in_bag(scores: Tensor) -> Tensor:
    """Min-max scale the scores of each bag to [0, 1].

    Args:
        scores: ``Tensor[G, P]``.

    Returns:
        ``Tensor[G, P]``; all zero for a bag whose scores are all equal.
    """
    low = scores.amin(1, keepdim=True)
    spread = scores.amax(1, keepdim=True) - low
    return torch.where(spread > 0, (scores - low) / torch.where(spread > 0, spread, 1), 0)
