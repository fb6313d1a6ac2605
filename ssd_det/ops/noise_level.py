"""How noisy boxes are, told from what SPSD makes of them.

SPSD learns to lead a proposal to the noisy box that its bag was sampled around. Noise averages out, so it learns the
expectation: from a proposal at distance d of the object it goes a part of the way only, and the more noise there is,
the more it stays where it is. Hence two things can be seen in a bag: the *slope*, how far its end point follows
a proposal from side to side of the bag, and the *pull*, where the bag goes on the mean, seen from the noisy box. For
noise of deviation s the pull is (1 - slope) times the noise of the box, so that s is the deviation of the pulls over
(1 - slope). How far the refiner itself is off adds to it, so that the estimate of clean boxes is small, but not 0.
"""

import math

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size

AXES = 2
STATISTICS = 5
STEEPEST = 0.95
LEAST_OBJECTS = 20


def no_statistics() -> Tensor:
    """The sums over no objects, ``Tensor[5, 2]``, float64."""
    return torch.zeros(STATISTICS, AXES, dtype=torch.float64)


def move_statistics(proposals: Tensor, moved: Tensor, boxes: Tensor) -> Tensor:
    """Sums over objects that the noise level can be told from; sums of several batches add up.

    Centres alone are looked at: sizes are harder to tell, and their errors look like noise.

    Args:
        proposals: ``Tensor[G, P, 4]``, bag A, xyxy.
        moved: ``Tensor[G, P, 4]``, where SPSD leads them, xyxy.
        boxes: ``Tensor[G, 4]``, the noisy boxes that the bags were sampled around, xyxy.

    Returns:
        ``Tensor[5, 2]``, float64, for x and y: objects, their pulls, the squares of these, and the products of
        proposals with their end points and with themselves, both from the mean of their bag; in units of the box.
    """
    centre, size = (value[:, None].double() for value in centre_and_size(boxes))
    start = (centre_and_size(proposals)[0].double() - centre) / size
    end = (centre_and_size(moved)[0].double() - centre) / size
    pull = end.mean(dim=1)
    start = start - start.mean(dim=1, keepdim=True)
    followed = start * (end - pull[:, None])
    sums = [torch.ones_like(pull), pull, pull**2, followed.sum(dim=1), (start**2).sum(dim=1)]
    return torch.stack([value.sum(dim=0) for value in sums])


def noise_level(statistics: Tensor) -> float | None:
    """The level n of the published protocol that boxes with these statistics would have.

    Args:
        statistics: ``Tensor[5, 2]``, sums of :func:`move_statistics`.

    Returns:
        √3 times the deviation of the noise of a centre, in units of the box; ``None`` for fewer than 20 objects.
    """
    count, pulls, squares, followed, spread = statistics
    if count[0] < LEAST_OBJECTS:
        return None
    slope = (followed / spread).clamp(0, STEEPEST)
    variance = (squares / count - (pulls / count) ** 2).clamp(min=0) / (1 - slope) ** 2
    return math.sqrt(3 * variance.mean().item())
