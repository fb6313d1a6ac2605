"""RoIAlign for bags whose proposals stand in columns: what they share along one axis is computed once.

Of the 125 proposals of a published bag, 15 and 5 at a time have the same left and right edges, and there are 15 such
pairs of edges. As bilinear interpolation is separable, a map is first summed up along x for each pair, at all rows that
its proposals need (a *strip*), and then each proposal sums up rows of its strip: a cell reads four values, not sixteen.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from ssd_det.ops.bag_pooling import Pyramid, in_cells, interpolation, maps_of, pyramid_level, weighted_sums


def pool_grids(
    pyramid: Pyramid, bags: Tensor, image_index: Tensor, columns: Tensor, size: int = 7, sampling_ratio: int = 2
) -> Tensor:
    """Pool bags as :func:`ssd_det.ops.bag_pooling.pool_boxes` does, up to rounding.

    The sizes of strips depend on the boxes: a GPU would be waited for.

    Args:
        pyramid: to pool from.
        bags: ``Tensor[G, P, 4]``, xyxy in pixels.
        image_index: ``LongTensor[G]`` in [0, B).
        columns: ``LongTensor[P]``, the same number for proposals of a bag that have the same left and right edges.
        size: cells along each side of the grid.
        sampling_ratio: samples along each side of a cell, at least 1.

    Returns:
        ``Tensor[G · P, size, size, C]``, channels last.
    """
    boxes = bags.flatten(0, 1).nan_to_num(0)
    level = pyramid_level(boxes, len(pyramid.features))
    maps = maps_of(pyramid, level, image_index.repeat_interleave(bags.shape[1]))
    scaled = in_cells(pyramid, boxes, level)
    row, row_weight = interpolation(scaled[:, 1], scaled[:, 3], maps.height, size, sampling_ratio)
    bag = torch.arange(len(bags))[:, None]
    column = (bag * (columns.max() + 1) + columns).flatten()
    strips = _strips(column * len(pyramid.features) + level, row)

    some = strips.proposal
    column, column_weight = interpolation(scaled[some, 0], scaled[some, 2], maps.width[some], size, sampling_ratio)
    strip = torch.arange(len(some)).repeat_interleave(strips.height)
    map_row = torch.arange(len(strip)) - strips.first[strip]
    index = (maps.first[some][strip] + map_row * maps.width[some][strip])[:, None, None] + column[strip]
    rows = weighted_sums(pyramid.table, index, column_weight[strip]).flatten(0, 1)

    first = strips.first[strips.of]
    index = ((first[:, None, None] + row) * size)[:, :, None] + torch.arange(size)[:, None]
    return weighted_sums(rows, index, row_weight[:, :, None].expand_as(index))


class _Strips(NamedTuple):
    """Parts of maps, each as wide as some proposals of a bag that are pooled from it, one below the other.

    Attributes:
        of: ``LongTensor[N]``, the strip of each proposal.
        proposal: ``LongTensor[M]``, one of the proposals of each strip.
        height: ``LongTensor[M]``, rows of the map.
        first: ``LongTensor[M]``, where row 0 of the map would be among the rows of all strips.
    """

    of: Tensor
    proposal: Tensor
    height: Tensor
    first: Tensor


def _strips(column: Tensor, row: Tensor) -> _Strips:
    """Group proposals by the column of a map ``LongTensor[N]``; ``row`` ``[N, ...]`` has the rows that each needs."""
    used, of = torch.unique(column, return_inverse=True)
    proposal = of.new_empty(len(used)).scatter_(0, of, torch.arange(len(of)))
    row = row.flatten(1)
    lowest = of.new_empty(len(used)).scatter_reduce_(0, of, row.amin(1), "amin", include_self=False)
    highest = of.new_empty(len(used)).scatter_reduce_(0, of, row.amax(1), "amax", include_self=False)
    height = highest - lowest + 1
    return _Strips(of, proposal, height, height.cumsum(0) - height - lowest)
