"""From the proposals of bags to features: pooled, given to fully connected layers, and told of their whole bag."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from ssd_det.ops.bag_pooling import Pyramid, pool_boxes
from ssd_det.ops.grid_pooling import pool_grids

BAGS_AT_ONCE = 32

Relevance = Literal["add", "subtract", "concatenate", "none", "layer"]


class BagGrid(NamedTuple):
    """How proposals are pooled.

    Attributes:
        roi_size: cells along each side of a pooled proposal.
        sampling_ratio: samples along each side of a cell; 0 for adaptive.
    """

    roi_size: int
    sampling_ratio: int


def embed(
    pyramid: Pyramid,
    proposals: Tensor,
    image_index: Tensor,
    grid: BagGrid,
    layers: Sequence[nn.Module],
    columns: Tensor | None = None,
) -> list[Tensor]:
    """Pool bags, and give them to fully connected layers.

    When nothing is learnt, some bags at a time are pooled, to bound memory.

    Args:
        pyramid: of the images.
        proposals: ``Tensor[G, P, 4]``, xyxy in pixels.
        image_index: ``LongTensor[G]``, the image of each bag.
        grid: how to pool.
        layers: D wide, each on its own.
        columns: which proposals share their edges, see :func:`ssd_det.ops.grid_pooling.pool_grids`; none if not given.

    Returns:
        ``Tensor[G, P, D]`` of each of the layers.
    """
    bags = torch.arange(len(proposals), device=proposals.device)
    chunks = [bags] if torch.is_grad_enabled() else torch.split(bags, BAGS_AT_ONCE)
    parts = []
    for chunk in chunks:
        pooled = _pool(pyramid, proposals[chunk], image_index[chunk], grid, columns)
        parts.append([layer(pooled) for layer in layers])
    return [torch.cat(embedded) for embedded in zip(*parts, strict=True)]


def _pool(pyramid: Pyramid, proposals: Tensor, image_index: Tensor, grid: BagGrid, columns: Tensor | None) -> Tensor:
    """Pool bags ``Tensor[G, P, 4]`` into ``Tensor[G, P, roi_size² · channels]``."""
    bag = proposals.shape[1]
    if columns is not None:
        pooled = pool_grids(pyramid, proposals, image_index, columns, *grid)
    else:
        pooled = pool_boxes(pyramid, proposals.flatten(0, 1), image_index.repeat_interleave(bag), *grid)
    return pooled.reshape(len(proposals), bag, grid.roi_size**2 * pooled.shape[-1])


def enhance(identity: Tensor, relevance: Relevance) -> Tensor:
    """Object relevance enhancement: tell each proposal of a bag about the whole bag (section 3.3).

    Args:
        identity: ``Tensor[G, P, D]``, features of the proposals.
        relevance: how the mean over the bag is taken in; the published way is to ``add`` it. As the layer that
            follows is linear, this adds one number to a whole bag and changes no ranking; for ``layer``, where the
            mean is added as well, a layer with a non-linearity follows.

    Returns:
        ``Tensor[G, P, D]``, or ``Tensor[G, P, 2 · D]`` where the mean is concatenated.
    """
    if relevance == "none":
        return identity
    mean = identity.mean(dim=1, keepdim=True)
    if relevance == "concatenate":
        return torch.cat([identity, mean.expand_as(identity)], dim=2)
    return identity - mean if relevance == "subtract" else identity + mean
