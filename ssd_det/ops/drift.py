"""What the refined boxes of a file have in common that is wrong, told by the noisy boxes.

Noise averages out over a file; what is left of the differences between noisy and refined boxes is a drift of the
refiner. Its stages teach each other, so that nothing holds their mean in place.

What noise averages out to is not nothing: the mean logarithm of noisy sizes lies below that of the true size, and noisy
boxes are cut off at the borders of their image. So noise of the estimated level is put on the refined boxes, and cut
off in the same way; the drift is what the noisy boxes differ beyond that. It has three parts:

- A move that all boxes share.
- Another of each category: noise averages out over its objects as well, and a refiner may see other borders than the
  annotators. It is as much of the category's own difference as is not chance.
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

LARGEST_DIFFERENCE = 1.0  # in units of the box, so that a few wild boxes do not decide
ROUNDS = 3
NODES = 6  # of the integrals over a shift and over a change of size
LEAST_REST = 1e-3  # of a side, so that its logarithm is finite
LEAST_SIZE = 1e-3  # in pixels, so that shares of it are finite
LEAST_SPREAD = 1e-6  # of what boxes are cut off by, in units of the box


@dataclass(frozen=True)
class Drift:
    """By how much refined boxes of each of K categories are to be moved.

    Attributes:
        moves: ``Tensor[K, 4]``, displacements of boxes that noise moves by as much as those of the file on average;
            to be added to the part of theirs that others follow.
        followed: ``Tensor[4]`` in [0, 1], the share of the mean displacement by noise that boxes follow, and that is to
            be taken back; 0 for centres.
        noise_level: of the noisy boxes.
    """

    moves: Tensor
    followed: Tensor
    noise_level: float


def measure_drift(
    noisy: Tensor, refined: Tensor, image_sizes: Tensor, categories: Tensor, count: int, noise_level: float
) -> Drift:
    """Measure the drift of the boxes of a file.

    What is measured is shrunk towards nothing, by how uncertain it is.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy, with area.
        refined: ``Tensor[N, 4]``, xyxy, with area.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image, in the same units.
        categories: ``LongTensor[N]``, from 0 on.
        count: K, of the categories.
        noise_level: of the noisy boxes, as far as it is known.
    """
    cut_off = _cut_off(refined, image_sizes, noise_level)
    drift = Drift(refined.new_zeros(count, 4), refined.new_zeros(4), noise_level)
    if len(refined) < 2:  # one box says nothing of its uncertainty
        return drift
    mean = cut_off.mean(dim=0)
    is_size = torch.tensor([False, False, True, True], device=refined.device)
    may_follow = is_size & (noise_level >= LEAST_LEVEL)  # below, what is estimated is not noise
    for _ in range(ROUNDS):
        moved = _moved_back(refined, drift, cut_off, image_sizes, categories)
        rest = _unexplained(noisy, moved, image_sizes, noise_level)
        followed = drift.followed - _slopes(cut_off - mean, rest) * may_follow
        more = followed.clamp(0, 1) - drift.followed
        rest = rest + more * (cut_off - mean)
        own = torch.stack([_own(values, categories, count) for values in rest.unbind(dim=1)], dim=1)
        shared = _shrunk(rest.mean(dim=0), rest.var(dim=0) / len(rest))
        drift = Drift(drift.moves + shared + own + more * mean, drift.followed + more, noise_level)
    return drift


def without_drift(refined: Tensor, drift: Drift, image_sizes: Tensor, categories: Tensor) -> Tensor:
    """Take the drift out of refined boxes.

    Args:
        refined: ``Tensor[N, 4]``, xyxy.
        drift: of them, or of the refiner that made them.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image.
        categories: ``LongTensor[N]``, as the drift has them.

    Returns:
        ``Tensor[N, 4]``, clipped to the images.
    """
    is_followed = drift.followed.any()
    cut_off = _cut_off(refined, image_sizes, drift.noise_level) if is_followed else torch.zeros_like(refined)
    return _moved_back(refined, drift, cut_off, image_sizes, categories)


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


def _moved_back(refined: Tensor, drift: Drift, cut_off: Tensor, image_sizes: Tensor, categories: Tensor) -> Tensor:
    """Refined boxes without their drift, given the expected noise of each."""

    def of_part(refined: Tensor, cut_off: Tensor, image_sizes: Tensor, categories: Tensor) -> Tensor:
        return clip(displaced(refined, drift.moves[categories] - drift.followed * cut_off), image_sizes)

    return in_parts(of_part, refined, cut_off, image_sizes, categories)


def _unexplained(noisy: Tensor, refined: Tensor, image_sizes: Tensor, noise_level: float) -> Tensor:
    """The displacements of the noisy boxes from the refined ones, less what noise makes of them on average.

    ``Tensor[N, 4]``; 0 for boxes that were moved out of their image.
    """

    def of_part(noisy: Tensor, refined: Tensor, image_sizes: Tensor) -> Tensor:
        seen = displacement(refined, clip(noisy, image_sizes)).clamp(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
        is_inside = (refined[:, 2:] > refined[:, :2]).all(dim=1, keepdim=True)
        return torch.where(is_inside, seen - expected_noise(refined, image_sizes, noise_level), 0.0)

    return in_parts(of_part, noisy, refined, image_sizes)


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


def _own(values: Tensor, categories: Tensor, count: int) -> Tensor:
    """By how much the means of categories differ from that of all values, ``Tensor[K]``, chance left out.

    The means are those of a model of random effects, whose variance is that of DerSimonian and Laird (1986): a category
    with few objects, or none, is taken for a usual one.
    """
    counts = categories.bincount(minlength=count).to(values.dtype)
    there = counts > 0
    known, none = int(there.sum()), values.new_zeros(count)
    if known < 2 or len(values) <= known:
        return none
    means = none.index_add(0, categories, values)[there] / counts[there]
    numbers = there.cumsum(dim=0) - 1
    within = (values - means[numbers[categories]]).square().sum() / (len(values) - known)
    spread = (counts[there] * (means - values.mean()).square()).sum() - (known - 1) * within
    between = spread / (len(values) - counts.square().sum() / len(values))
    if between <= 0:
        return none
    chance = within / counts[there]
    usual = (means / (between + chance)).sum() / (1 / (between + chance)).sum()
    own = none + usual
    # Boxes follow a part of their noise, so that a mean that is chance says the opposite of what they are off by. The
    # part, which is not known yet, is taken for a half.
    own[there] += (means - usual) * ((between - chance) / (between + chance)).clamp(min=0)
    return own - values.mean()
