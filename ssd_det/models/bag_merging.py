"""Merging bags of proposals into boxes, in the way that a refiner is set to."""

from typing import Literal

from torch import Tensor

from ssd_det.batches.batch import Objects
from ssd_det.ops.merging import MergedBoxes, agreement, exclusion, merge_top

Merging = Literal["ranking", "agreement", "exclusive"]


def merge_bags(
    bag: Tensor,
    ranking: Tensor,
    fallback: Tensor,
    objects: Objects,
    top_k: int,
    merging: Merging,
    seen_at: Tensor | None = None,
) -> MergedBoxes:
    """Merge bags by their ranking.

    Args:
        bag: ``Tensor[G, P, 4]``, xyxy in pixels.
        ranking: ``Tensor[G, P]``, not negative.
        fallback: ``Tensor[G, 4]``, the boxes to keep where a ranking is all zero or not finite.
        objects: that the bags are of.
        top_k: how many proposals to merge.
        merging: what a proposal counts for, see :class:`ssd_det.models.refiner_head.RefinerHead`.
        seen_at: ``Tensor[G, 4]``, where the objects seem to be; where the ranking alone puts them if not given.
    """
    if merging == "exclusive":
        if seen_at is None:
            seen_at = merge_top(bag, ranking, fallback, top_k).boxes
        ranking = ranking * exclusion(bag, seen_at, objects.rivals())
    elif merging == "agreement":
        ranking = ranking * agreement(bag, ranking)
    return merge_top(bag, ranking, fallback, top_k)


def highest(count: int, ranking: Tensor, bag: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """Those proposals ``Tensor[G, P, 4]`` of each bag that rank highest, and their validity ``BoolTensor[G, P]``."""
    best = ranking.detach().topk(count, dim=1).indices
    return bag.gather(1, best[:, :, None].expand(-1, -1, 4)), valid.gather(1, best)


def mean_of_merged(quality: Tensor, merged: MergedBoxes) -> Tensor:
    """Mean of a bag's quality over the proposals that were merged, by their shares."""
    return (quality.gather(1, merged.members) * merged.weights).sum(dim=1)
