"""How noisy boxes are, estimated from how SPSD moves proposals.

SPSD learns to lead a proposal to the noisy box that its bag was sampled around. Noise averages out, so it learns the
expectation: a proposal at some distance from the object is moved only part of the way, and the more noise there is,
the less it is moved. So two things can be measured in a bag: the *slope*, how far end points follow their proposals
from side to side of the bag, and the *pull*, where the bag goes on average, relative to the noisy box. For noise of
standard deviation s the pull is (1 - slope) times the noise of the box, so that s is the deviation of the pulls over
(1 - slope). The error of the refiner adds to it, so that the estimate for clean boxes is small, but not 0.

Noisy boxes are cut off at the borders of their image, which makes noise look smaller: objects far from the borders tell
it better, where there are enough.
"""

import math

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size

AXES = 2
STATISTICS = 5
LARGEST_SLOPE = 0.95
LEAST_OBJECTS = 20
LEAST_LEVEL = 0.12  # of noise that can be told from the refiner's own error
MARGIN = 0.4  # in units of the box; the protocol's strongest noise rarely gets further


def no_statistics(*groups: int) -> Tensor:
    """The sums over no objects, ``Tensor[..., 5, 2]``, float64, of groups of a shape."""
    return torch.zeros(*groups, STATISTICS, AXES, dtype=torch.float64)


def far_from_borders(boxes: Tensor, image_sizes: Tensor) -> Tensor:
    """For x and y, which boxes noise hardly leads over a border.

    Args:
        boxes: ``Tensor[G, 4]``, xyxy, as far as they are known.
        image_sizes: ``Tensor[G, 2]``, (height, width) of each box's image.

    Returns:
        ``BoolTensor[G, 2]``.
    """
    margin = MARGIN * centre_and_size(boxes)[1]
    return (boxes[:, :2] > margin) & (boxes[:, 2:] < image_sizes.flip(1) - margin)


def move_statistics(proposals: Tensor, moved: Tensor, boxes: Tensor, counted: Tensor | None = None) -> Tensor:
    """Sums over objects that the noise level is estimated from; those of several batches are added.

    Only centres are used: sizes are harder to predict, and their errors look like noise.

    Args:
        proposals: ``Tensor[G, P, 4]``, bag A, xyxy.
        moved: ``Tensor[G, P, 4]``, where SPSD leads them, xyxy.
        boxes: ``Tensor[G, 4]``, the noisy boxes that the bags were sampled around, xyxy.
        counted: ``BoolTensor[..., G, 2]``, for x and y the objects to add up, of several groups at once; all where not
            given.

    Returns:
        ``Tensor[..., 5, 2]``, float64, for x and y: objects, their pulls, the squares of these, and the products of
        proposals with their end points and with themselves, relative to the mean of their bag; in units of the box.
    """
    centre, size = (value[:, None].double() for value in centre_and_size(boxes))
    start = (centre_and_size(proposals)[0].double() - centre) / size
    end = (centre_and_size(moved)[0].double() - centre) / size
    pull = end.mean(dim=1)
    start = start - start.mean(dim=1, keepdim=True)
    followed = start * (end - pull[:, None])
    terms = torch.stack([torch.ones_like(pull), pull, pull**2, followed.sum(dim=1), (start**2).sum(dim=1)])
    if counted is not None:
        terms = torch.where(counted[..., None, :, :], terms, 0.0)
    return terms.sum(dim=-2)


def noise_level(statistics: Tensor) -> float | None:
    """The level n of the published protocol that boxes with these statistics have.

    Args:
        statistics: ``Tensor[5, 2]``, sums from :func:`move_statistics`.

    Returns:
        √3 times the standard deviation of a centre's noise, in units of the box; ``None`` for fewer than 20 objects.
    """
    count, pulls, squares, followed, spread = statistics
    if count.mean() < LEAST_OBJECTS:
        return None
    known = count.clamp(min=1)
    slope = (followed / spread.clamp(min=torch.finfo(spread.dtype).tiny)).clamp(0, LARGEST_SLOPE)
    variance = (squares / known - (pulls / known) ** 2).clamp(min=0) / (1 - slope) ** 2
    return math.sqrt(3 * (variance * count).sum().item() / count.sum().item())


def best_noise_level(groups: Tensor) -> float | None:
    """The level that is told best.

    Objects far from borders are small ones, of which the refiner is less sure. So they only tell how strong noise is,
    not whether there is any. As being cut off only makes noise look smaller, the larger of both estimates is taken.

    Args:
        groups: ``Tensor[M, 2, 5, 2]``, statistics of M groups of objects, those first that tell it best; of each those
            far from borders, and all.
    """
    for far, all_objects in groups:
        level, of_far = noise_level(all_objects), noise_level(far)
        if level is not None:
            return level if of_far is None or level < LEAST_LEVEL else max(level, of_far)
    return None


def noise_beside_error(level: float) -> float:
    """The level of the noise, where a refiner's own error is a part of what it is told by.

    That error may be anything up to what cannot be told from noise; half of its square is taken off.

    Args:
        level: of both together, at least 0.12.
    """
    return math.sqrt(level**2 - LEAST_LEVEL**2 / 2)
