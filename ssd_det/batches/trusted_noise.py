"""Noise for trusted boxes like that of all others: a refiner learns the way from there to where boxes should be."""

import torch
from torch import Tensor

from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.untrusted import untrusted_of
from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.ops.boxes import clip, corners, displaced, displacement

LEAST_PAIRS = 10  # fewer do not show what noise is like
LARGEST_MOVE = 0.5  # in units of the box, and as a logarithm


def trusted_noise(coco: CocoFile) -> Tensor:
    """How boxes that nobody has checked differ from trusted ones.

    Args:
        coco: a file with trusted boxes that tell what they would be.

    Returns:
        ``Tensor[N, 4]``, float64, displacements from trusted boxes; none where fewer than 10 are known.
    """
    known = ((annotation, untrusted_of(coco, annotation)) for annotation in coco.annotations)
    pairs = [(a.bbox, other.box) for a, other in known if other is not None and coco.why_unusable(a) is None]
    if len(pairs) < LEAST_PAIRS:
        return torch.zeros(0, 4, dtype=torch.float64)
    moves = displacement(*(corners([pair[side] for pair in pairs]) for side in (0, 1)))
    return moves.clamp(-LARGEST_MOVE, LARGEST_MOVE)


def with_noise(boxes: Tensor, noise: Tensor, image: Image) -> Tensor:
    """Boxes xyxy ``Tensor[N, 4]`` moved by noise and clipped to their image; those without area then stay."""
    noisy = clip(displaced(boxes, noise), torch.tensor([image.height, image.width]))
    has_area = (noisy[:, 2:] - noisy[:, :2] > LEAST_SIDE).all(dim=1, keepdim=True)
    return torch.where(has_area, noisy, boxes)
