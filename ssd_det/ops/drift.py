"""What the refined boxes of a file have in common that is wrong, told by the noisy boxes.

Noise averages out over a file; what is left of the differences between noisy and refined boxes is a drift of the
refiner. Its stages teach each other, so that nothing holds their mean in place.

What noise averages out to is not nothing: the mean logarithm of noisy sizes lies below that of the true size, and noisy
boxes are cut off at the borders of their image. So noise of the estimated level is put on the refined boxes, and cut
off in the same way; the drift is what the noisy boxes differ beyond that. It has four parts:

- A move that all boxes share.
- Another of each category: noise averages out over its objects as well, and a refiner may see other borders than the
  annotators. It is as much of the category's own difference as is not chance.
- Another of the sizes in each image: objects look larger or smaller to a refiner where a picture is blurred, dark or
  stained, but nothing about a picture moves all of them to one side.
- The share of the cutting off that sizes follow: a refiner learns what noisy boxes are like on average, and where they
  are cut off, it may learn that too. The objects tell it that are cut off by more or less.

As boxes without their drift reach the borders at other places, all are measured in rounds.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size, clip, displaced, displacement
from ssd_det.ops.noise_level import LEAST_LEVEL
from ssd_det.ops.parts import in_parts
from ssd_det.ops.random_effects import Grouping, own_means

LARGEST_DIFFERENCE = 1.0  # in units of the box, so that a few wild boxes do not decide
ROUNDS = 3
NODES = 6  # of the integrals over a shift and over a change of size
LEAST_REST = 1e-3  # of a side, so that its logarithm is finite
LEAST_SIZE = 1e-3  # in pixels, so that shares of it are finite
LEAST_SPREAD = 1e-6  # of what boxes are cut off by, in units of the box


@dataclass(frozen=True)
class Drift:
    """By how much refined boxes of each of K categories and I images are to be moved.

    Attributes:
        moves: ``Tensor[K, 4]``, displacements of boxes that noise moves by as much as those of the file on average;
            to be added to the part of theirs that others follow.
        image_moves: ``Tensor[I, 4]``, to be added to these; 0 for centres.
        followed: ``Tensor[4]`` in [0, 1], the share of the mean displacement by noise that boxes follow, and that is to
            be taken back; 0 for centres.
        noise_level: of the noisy boxes.
    """

    moves: Tensor
    image_moves: Tensor
    followed: Tensor
    noise_level: float


def measure_drift(
    noisy: Tensor, refined: Tensor, image_sizes: Tensor, categories: Grouping, images: Grouping, noise_level: float
) -> Drift:
    """Measure the drift of the boxes of a file.

    What is measured is shrunk towards nothing, by how uncertain it is.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy, with area.
        refined: ``Tensor[N, 4]``, xyxy, with area.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image, in the same units.
        categories: of the objects.
        images: of the objects.
        noise_level: of the noisy boxes, as far as it is known.
    """
    cut_off = _cut_off(refined, image_sizes, noise_level)
    nothing = refined.new_zeros(categories.count, 4), refined.new_zeros(images.count, 4), refined.new_zeros(4)
    drift = Drift(*nothing, noise_level)
    if len(refined) < 2:  # one box says nothing of its uncertainty
        return drift
    mean = cut_off.mean(dim=0)
    is_size = torch.tensor([False, False, True, True], device=refined.device)
    may_follow = is_size & (noise_level >= LEAST_LEVEL)  # below, what is estimated is not noise
    for _ in range(ROUNDS):
        moved = _moved_back(refined, drift, cut_off, image_sizes, categories, images)
        rest = _unexplained(noisy, moved, image_sizes, noise_level)
        followed = drift.followed - _slopes(cut_off - mean, rest) * may_follow
        more = followed.clamp(0, 1) - drift.followed
        rest = rest + more * (cut_off - mean)
        own = _own(rest, categories)
        of_images = _own(rest - own[categories.numbers], images) * is_size
        shared = _shrunk(rest.mean(dim=0), rest.var(dim=0) / len(rest))
        moves = drift.moves + shared + own + more * mean
        drift = Drift(moves, drift.image_moves + of_images, drift.followed + more, noise_level)
    return drift


def without_drift(refined: Tensor, drift: Drift, image_sizes: Tensor, categories: Grouping, images: Grouping) -> Tensor:
    """Take the drift out of refined boxes.

    Args:
        refined: ``Tensor[N, 4]``, xyxy.
        drift: of them, or of the refiner that made them.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image.
        categories: of the objects, as the drift has them.
        images: the same.

    Returns:
        ``Tensor[N, 4]``, clipped to the images.
    """
    is_followed = drift.followed.any()
    cut_off = _cut_off(refined, image_sizes, drift.noise_level) if is_followed else torch.zeros_like(refined)
    return _moved_back(refined, drift, cut_off, image_sizes, categories, images)


def expected_noise(boxes: Tensor, image_sizes: Tensor, noise_level: float) -> Tensor:
    """The mean displacement of noisy boxes of the published protocol, which are cut off at the borders of the image.

    The published code cuts off a pixel earlier at the right and at the bottom; annotators do not.

    Args:
        boxes: ``Tensor[N, 4]``, the true ones, xyxy.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each box's image.
        noise_level: n; centres are off by shares uniform in [-n, n], and sizes by factors uniform in [1 - n, 1 + n].

    Returns:
        ``Tensor[N, 4]``, by the midpoint rule.
    """
    centre, size = centre_and_size(boxes)
    size = size.clamp(min=LEAST_SIZE)  # a box without area stays what it is
    steps = ((torch.arange(NODES, dtype=boxes.dtype, device=boxes.device) + 0.5) / NODES * 2 - 1) * noise_level
    shifts, factors = torch.cartesian_prod(steps, 1 + steps).unbind(dim=1)
    low, high = shifts - factors / 2, shifts + factors / 2  # in units of the size, from the centre
    cut = [((border - centre) / size)[..., None] for border in (torch.zeros_like(centre), image_sizes.flip(1))]
    low, high = low.clamp(min=cut[0]), high.clamp(max=cut[1])
    logarithms = (high - low).clamp(min=LEAST_REST).log()
    means = [
        values.clamp(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE).mean(dim=2) for values in ((low + high) / 2, logarithms)
    ]
    return torch.cat(means, dim=1)


def _cut_off(boxes: Tensor, image_sizes: Tensor, noise_level: float) -> Tensor:
    """The expected noise of the boxes of a file."""
    return in_parts(lambda boxes, sizes: expected_noise(boxes, sizes, noise_level), boxes, image_sizes)


def _moved_back(
    refined: Tensor, drift: Drift, cut_off: Tensor, image_sizes: Tensor, categories: Grouping, images: Grouping
) -> Tensor:
    """Refined boxes without their drift, given the expected noise of each."""

    def of_part(refined: Tensor, cut_off: Tensor, image_sizes: Tensor, category: Tensor, image: Tensor) -> Tensor:
        moves = drift.moves[category] + drift.image_moves[image] - drift.followed * cut_off
        return clip(displaced(refined, moves), image_sizes)

    return in_parts(of_part, refined, cut_off, image_sizes, categories.numbers, images.numbers)


def _unexplained(noisy: Tensor, refined: Tensor, image_sizes: Tensor, noise_level: float) -> Tensor:
    """The displacements of the noisy boxes from the refined ones, less what noise makes of them on average.

    ``Tensor[N, 4]``; 0 for boxes that were moved out of their image.
    """

    def of_part(noisy: Tensor, refined: Tensor, image_sizes: Tensor) -> Tensor:
        seen = displacement(refined, clip(noisy, image_sizes)).clamp(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
        is_inside = (refined[:, 2:] > refined[:, :2]).all(dim=1, keepdim=True)
        return torch.where(is_inside, seen - expected_noise(refined, image_sizes, noise_level), 0.0)

    return in_parts(of_part, noisy, refined, image_sizes)


def _own(values: Tensor, groups: Grouping) -> Tensor:
    """What the means of groups differ by in each column of values ``Tensor[N, 4]``, ``Tensor[K, 4]``."""
    return torch.stack([own_means(column, groups) for column in values.unbind(dim=1)], dim=1)


def _slopes(centred: Tensor, values: Tensor) -> Tensor:
    """How values ``Tensor[N, 4]`` follow others, which have a mean of 0; the regression of each column, shrunk."""
    squares = centred.square().sum(dim=0)
    is_told = squares > len(centred) * LEAST_SPREAD**2  # equal values differ by rounding, and tell nothing
    squares = squares.where(is_told, torch.inf)
    slopes = (centred * values).sum(dim=0) / squares
    rest = values - values.mean(dim=0) - slopes * centred
    return _shrunk(slopes, rest.square().mean(dim=0) / squares)


def _shrunk(estimates: Tensor, variances: Tensor) -> Tensor:
    """Estimates drawn towards 0, the more, the less they differ from it for their uncertainty."""
    return estimates**3 / (estimates**2 + variances).clamp(min=torch.finfo(estimates.dtype).tiny)
