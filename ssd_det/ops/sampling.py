"""Sampling the proposals of bags around boxes, and random negatives."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size, iof, iou
from ssd_det.ops.device_values import constants

WIDEST_LEVEL = 0.4
NARROWEST_LEVEL = 0.1
VALID_IOF = 0.7
NEGATIVE_IOU = 0.3
BAGS_AT_ONCE = 8  # compared with all negatives: bounds memory, and stays in the caches


def neighbours(boxes: Tensor, ratios: Sequence[float], offsets: Sequence[float]) -> Tensor:
    """Sample a bag of proposals around each box (eq. 6).

    A box of size (w, h) is scaled to (w·a, h·c) for every pair of ratios (a the outer loop). Each scaled
    box is placed once at the centre, then, for every offset o, moved left, right, up and down by o times
    its new size.

    Args:
        boxes: ``Tensor[G, 4]``, xyxy.
        ratios: R factors for width and height.
        offsets: S shifts, in units of the scaled box.

    Returns:
        ``Tensor[G, P, 4]``, xyxy, not clipped, P = R² · (1 + 4·S).
    """
    factors = constants(ratios, boxes)
    factors = torch.cartesian_prod(factors, factors)
    steps = [(0.0, 0.0)] + [(x * o, y * o) for o in offsets for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))]
    centre, size = centre_and_size(boxes)
    new_size = (size[:, None] * factors)[:, :, None]
    new_centre = centre[:, None, None] + new_size * constants(steps, boxes)
    return torch.cat([new_centre - new_size / 2, new_centre + new_size / 2], dim=-1).flatten(1, 2)


def shared_columns(ratios: int, offsets: int) -> Tensor:
    """Tell which proposals of a bag that :func:`neighbours` samples have the same left and right edges.

    Args:
        ratios: R, how many.
        offsets: S, how many.

    Returns:
        ``LongTensor[P]``, on the CPU, the same number for the same edges.
    """
    steps = [0] + [step for offset in range(offsets) for step in (2 * offset + 1, 2 * offset + 2, 0, 0)]
    width = torch.arange(ratios).repeat_interleave(ratios)
    return (width[:, None] * len(steps) + torch.tensor(steps)).flatten()


def sampler_for(
    noise_level: float, ratios: Sequence[float], offsets: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Narrow a sampler that is made for noise of level 0.4 to another level.

    Shifts grow with the level, and so do the logarithms of the scales, which comes near to the published table:
    (1, 1.2, 1.3, 0.8, 0.7; 0.2) for levels of 0.3 and 0.4 becomes (1, 1.10, 1.14, 0.89, 0.84; 0.1) for 0.2.

    Args:
        noise_level: of the boxes. Nothing is narrowed below 0.1, and nothing widened above 0.4: in a wider bag
            other objects cover more than the box's object does.
        ratios: the scales for 0.4.
        offsets: the shifts for 0.4.

    Returns:
        The scales and the shifts.
    """
    share = min(max(noise_level, NARROWEST_LEVEL), WIDEST_LEVEL) / WIDEST_LEVEL
    return tuple(ratio**share for ratio in ratios), tuple(offset * share for offset in offsets)


def inside_image(proposals: Tensor, image_sizes: Tensor) -> Tensor:
    """Validity of proposals: more than 0.7 of the proposal's area lies inside its image.

    Args:
        proposals: ``Tensor[G, P, 4]``, xyxy.
        image_sizes: ``Tensor[G, 2]``, (height, width) of each object's image.

    Returns:
        ``BoolTensor[G, P]``.
    """
    frame = torch.cat([torch.zeros_like(image_sizes), image_sizes.flip(-1)], dim=-1).to(proposals.dtype)
    return iof(proposals, frame[:, None]) > VALID_IOF


def negative_boxes(image_sizes: Tensor, draws: Tensor) -> Tensor:
    """Turn uniform draws into random boxes that may leave the image by a fifth of its size.

    Args:
        image_sizes: ``Tensor[B, 2]``, (height, width).
        draws: ``Tensor[B, 4, N]``, uniform in [0, 1): x1, y1, x2, y2.

    Returns:
        ``Tensor[B, N, 4]``, xyxy: x1 in [-0.2 W, W), x2 in (x1, 1.2 W), the same for y.
    """
    extent = image_sizes.flip(-1).to(draws.dtype)[:, :, None]
    low = -0.2 * extent + draws[:, :2] * 1.2 * extent
    high = low + draws[:, 2:] * (1.2 * extent - low)
    return torch.cat([low, high], dim=1).transpose(1, 2)


def far_from_bags(negatives: Tensor, proposals: Tensor, image_index: Tensor) -> Tensor:
    """Validity of negatives: IoU below 0.3 with every proposal of every bag of the same image.

    Args:
        negatives: ``Tensor[B, N, 4]``, xyxy.
        proposals: ``Tensor[G, P, 4]``, xyxy.
        image_index: ``LongTensor[G]``, the image of each bag, in [0, B).

    Returns:
        ``BoolTensor[B, N]``.
    """
    bags = zip(torch.split(image_index, BAGS_AT_ONCE), torch.split(proposals, BAGS_AT_ONCE), strict=True)
    overlap = torch.cat([iou(negatives[index][:, :, None], some[:, None]).amax(-1) for index, some in bags])
    index = image_index[:, None].expand_as(overlap)
    highest = overlap.new_zeros(negatives.shape[:2]).scatter_reduce(0, index, overlap, "amax")
    return highest < NEGATIVE_IOU


def random_proposals(seeds: Sequence[int], count: int, bag_size: int) -> Tensor:
    """Choose at random which proposals of a bag take part in a step.

    Args:
        seeds: of the images, which alone decide.
        count: of the proposals, at most all.
        bag_size: how many there are.

    Returns:
        ``LongTensor[count]``, different places in the bag, ascending, on the CPU.
    """
    generator = torch.Generator().manual_seed(sum(seeds))
    return torch.randperm(bag_size, generator=generator)[:count].sort().values


def uniform_draws(seeds: Sequence[int], count: int) -> Tensor:
    """Uniform numbers for negatives that depend only on each image's seed.

    Args:
        seeds: B of them.
        count: negatives per image.

    Returns:
        ``Tensor[B, 4, count]`` in [0, 1), on the CPU.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return torch.stack([torch.rand(4, count, generator=generator) for generator in generators])
