"""RoIAlign for bags: many overlapping proposals over the levels of a feature pyramid, in one call."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import roi_align

from ssd_det.errors import InputError
from ssd_det.ops.boxes import area
from ssd_det.ops.device_values import constants

FINEST_LEVEL_SIZE = 56.0
OUTSIDE = -1e4  # pixels; further outside of a map than a cell of the coarsest level


def pyramid_level(boxes: Tensor, num_levels: int) -> Tensor:
    """Level of the pyramid that a box is pooled from, by the square root of its area.

    Args:
        boxes: ``Tensor[N, 4]``, xyxy in pixels of the network's input.
        num_levels: number of levels, the finest first.

    Returns:
        ``LongTensor[N]`` in [0, num_levels): clamp(floor(log2(√(w·h) / 56 + 1e-6))).
    """
    size = area(boxes).clamp(min=0).sqrt()
    return torch.log2(size / FINEST_LEVEL_SIZE + 1e-6).floor().clamp(0, num_levels - 1).long()


@dataclass(frozen=True)
class Pyramid:
    """Features that boxes are pooled from, one or many times.

    Attributes:
        features: L maps ``Tensor[B, C, H_l, W_l]``, the finest first.
        strides: L strides in pixels.
    """

    features: Sequence[Tensor]
    strides: Sequence[int]

    @cached_property
    def table(self) -> Tensor:
        """The cells of all levels and images as rows, ``Tensor[cells, C]``, made once: it is as large as all maps."""
        channels = self.features[0].shape[1]
        return torch.cat([feature.permute(0, 2, 3, 1).reshape(-1, channels) for feature in self.features])


def pool_boxes(pyramid: Pyramid, boxes: Tensor, image_index: Tensor, size: int = 7, sampling_ratio: int = 2) -> Tensor:
    """Pool a square grid of features from each box (RoIAlign with half-pixel alignment).

    This is one ``embedding_bag``: every output cell is a weighted sum of ``(2 · sampling_ratio)²`` rows of the
    pyramid, used as a table of feature vectors. Forward and backward are deterministic, on CUDA too, and threaded on
    the CPU, where torchvision's backward uses one thread (``benchmarks/bag_pooling.py`` measures both). Where
    ``sampling_ratio`` is 0 (adaptive), it is ``torchvision.ops.roi_align``.

    Args:
        pyramid: to pool from.
        boxes: ``Tensor[N, 4]``, xyxy in pixels.
        image_index: ``LongTensor[N]`` in [0, B).
        size: cells along each side of the grid.
        sampling_ratio: samples along each side of a cell; 0 for one per pixel of the map.

    Returns:
        ``Tensor[N, size, size, C]``, channels last.

    Raises:
        InputError: if torchvision would compute every pixel of the map, see :func:`check_adaptive`.
    """
    check_adaptive(sampling_ratio, boxes.device)
    # Once weights have diverged, boxes are NaN: pool them from the corner; the NaN of the loss will be reported.
    boxes = boxes.nan_to_num(0)
    level = pyramid_level(boxes, len(pyramid.features))
    pool = _pool_by_level if sampling_ratio == 0 else _pool_by_lookup
    return pool(pyramid, boxes, image_index, level, size, sampling_ratio)


def check_adaptive(sampling_ratio: int, device: torch.device) -> None:
    """Make sure that pooling does not take torchvision's way for deterministic algorithms where samples are adaptive.

    Args:
        sampling_ratio: samples along each side of a cell; 0 for one per pixel of the map.
        device: that pools.

    Raises:
        InputError: if it would.
    """
    if sampling_ratio == 0 and device.type != "cpu" and torch.are_deterministic_algorithms_enabled():
        raise InputError(
            "model.sampling_ratio is 0 and trainer.deterministic is set: for both, torchvision computes every pixel of "
            "the feature map for each box on a GPU: set model.sampling_ratio to 2, or trainer.deterministic to false."
        )


def _pool_by_level(
    pyramid: Pyramid, boxes: Tensor, image_index: Tensor, level: Tensor, size: int, sampling_ratio: int
) -> Tensor:
    """Pool with torchvision, one call per level, so every level gets a gradient.

    Each call gets all boxes, those of other levels as points outside of the map, where there is nothing to pool: to
    leave them out, the CPU would have to wait for CUDA to count them.
    """
    rois = torch.cat([image_index[:, None].to(boxes.dtype), boxes], dim=1)
    outside = constants([1, 0, 0, 0, 0], rois) * rois + constants([0, *4 * [OUTSIDE]], rois)
    pooled = [
        roi_align(
            feature.to(rois.dtype),  # the boxes in half precision would be rounded to whole pixels
            torch.where((level == index)[:, None], rois, outside),
            size,
            1 / stride,
            sampling_ratio,
            aligned=True,
        )
        for index, (feature, stride) in enumerate(zip(pyramid.features, pyramid.strides, strict=True))
    ]
    total: Tensor = sum(pooled[1:], pooled[0])
    return total.permute(0, 2, 3, 1)


def _pool_by_lookup(
    pyramid: Pyramid, boxes: Tensor, image_index: Tensor, level: Tensor, size: int, sampling_ratio: int
) -> Tensor:
    """Pool with one ``embedding_bag`` over the cells of all levels and images."""
    maps = maps_of(pyramid, level, image_index)
    scaled = in_cells(pyramid, boxes, level)
    row, row_weight = interpolation(scaled[:, 1], scaled[:, 3], maps.height, size, sampling_ratio)
    column, column_weight = interpolation(scaled[:, 0], scaled[:, 2], maps.width, size, sampling_ratio)
    row = maps.first[:, None, None] + row * maps.width[:, None, None]
    index = row[:, :, None, :, None] + column[:, None, :, None, :]
    weight = row_weight[:, :, None, :, None] * column_weight[:, None, :, None, :]
    return weighted_sums(pyramid.table, index.flatten(3), weight.flatten(3))


class Maps(NamedTuple):
    """The map that each of N boxes is pooled from.

    Attributes:
        first: ``LongTensor[N]``, the row of :attr:`Pyramid.table` that has its first cell.
        height: ``LongTensor[N]`` in cells.
        width: ``LongTensor[N]`` in cells.
    """

    first: Tensor
    height: Tensor
    width: Tensor


def maps_of(pyramid: Pyramid, level: Tensor, image_index: Tensor) -> Maps:
    """Find the maps of boxes by their levels and images, ``LongTensor[N]`` each."""
    images = pyramid.features[0].shape[0]
    sizes = [(feature.shape[2], feature.shape[3]) for feature in pyramid.features]
    cells = [height * width for height, width in sizes]
    firsts = accumulate((images * count for count in cells[:-1]), initial=0)
    rows = [(first, count, *extent) for first, count, extent in zip(firsts, cells, sizes, strict=True)]
    first, count, height, width = constants(rows, level)[level].unbind(1)
    return Maps(first + image_index * count, height, width)


def in_cells(pyramid: Pyramid, boxes: Tensor, level: Tensor) -> Tensor:
    """Boxes ``Tensor[N, 4]`` in cells of their levels ``LongTensor[N]``, the middle of the first cell at 0."""
    return boxes / constants(pyramid.strides, boxes)[level][:, None] - 0.5


def weighted_sums(table: Tensor, index: Tensor, weight: Tensor) -> Tensor:
    """Add up rows of a table ``Tensor[cells, C]``, those of index and weight ``Tensor[..., T]``: ``Tensor[..., C]``."""
    sums = F.embedding_bag(
        index.reshape(-1, index.shape[-1]),
        table,
        per_sample_weights=weight.reshape(-1, index.shape[-1]).to(table.dtype),
        mode="sum",
    )
    return sums.reshape(*index.shape[:-1], table.shape[1])


def interpolation(low: Tensor, high: Tensor, extent: Tensor, size: int, sampling_ratio: int) -> tuple[Tensor, Tensor]:
    """Cells and weights that linear interpolation reads along one axis.

    Args:
        low: ``Tensor[N]``, start of each box in cells of its map, minus half a cell.
        high: ``Tensor[N]``, its end.
        extent: ``LongTensor[N]``, number of cells of the map.
        size: output cells.
        sampling_ratio: samples in each.

    Returns:
        Indices ``LongTensor[N, size, 2 · sampling_ratio]`` and weights of the same shape. Samples more than
        a cell outside the map have weight 0; those closer to it are moved to its border.
    """
    samples = size * sampling_ratio
    steps = (torch.arange(samples, device=low.device, dtype=low.dtype) + 0.5) / samples
    position = low[:, None] + steps * (high - low)[:, None]
    limit = extent[:, None].to(low.dtype)
    inside = (position >= -1) & (position <= limit)
    position = torch.minimum(position.clamp(min=0), limit - 1)
    before = position.floor()
    fraction = position - before
    after = torch.minimum(before + 1, limit - 1)
    index = torch.stack([before, after], dim=-1).long()
    weight = torch.stack([1 - fraction, fraction], dim=-1) * (inside[:, :, None].to(low.dtype) / sampling_ratio)
    return index.reshape(-1, size, 2 * sampling_ratio), weight.reshape(-1, size, 2 * sampling_ratio)
