"""Merging a bag into one box."""

from typing import NamedTuple

import torch
from torch import Tensor

WEIGHT_FLOOR = 1e-8


class Merged(NamedTuple):
    """Boxes merged from bags, and what they were merged from.

    Attributes:
        boxes: ``Tensor[G, 4]``, xyxy, detached, not clipped.
        members: ``LongTensor[G, k]``, the proposals that were merged.
        weights: ``Tensor[G, k]``, their shares, summing to 1 (to 0 where the fallback stands in).
    """

    boxes: Tensor
    members: Tensor
    weights: Tensor


def merge_top(proposals: Tensor, ranking: Tensor, fallback: Tensor, top_k: int = 7) -> Merged:
    """Merge the ``top_k`` proposals of each bag that rank highest, weighted by their ranking (section 3.2).

    The shares get 1e-8 added after they were made to sum to 1, as in the published code.

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
    return Merged(torch.where(usable, boxes, fallback.detach()), members, weights)


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
