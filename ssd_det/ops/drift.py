"""What the refined boxes of a file have in common that is wrong, told by the noisy boxes.

Noise averages out over a file; what is left of the differences between noisy and refined boxes is a drift of the
refiner. Its stages teach each other, so that nothing holds their mean in place. Three parts are told apart:

- Centres: the mean difference, over all objects.
- Sizes of objects far from the borders of their image, where they are most of the objects: the mean difference of
  logarithms. Elsewhere noisy boxes are cut off at the border, and are too small for that reason.
- Sizes of all others: a refiner learns the mean logarithm of noisy sizes, which lies below that of the true size. For
  noise of level n, a factor uniform in [1 - n, 1 + n], that is n² / 6 to second order.

Noise averages out over the objects of a category as well, and a refiner may see other borders than the annotators in
some of them: the drift of each is that of all, and as much of its own difference as is not chance. It is measured where
objects far from the borders are most of them, on these: how many boxes are cut off differs between categories as well.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size, clip, displaced, displacement
from ssd_det.ops.parts import in_parts

LARGEST_DIFFERENCE = 1.0  # in units of the box, so that a few wild boxes do not decide
LEAST_SHARE = 0.5  # of the objects that are far from the borders


@dataclass(frozen=True)
class Drift:
    """By how much refined boxes of each of K categories are to be moved.

    Attributes:
        centre: ``Tensor[K, 2]``, in units of the box.
        inner_size: ``Tensor[K, 2]``, logarithms of factors, for objects far from both borders of an axis.
        outer_size: the same for all others.
        margin: how far that is, in units of the box.
    """

    centre: Tensor
    inner_size: Tensor
    outer_size: Tensor
    margin: float


def measure_drift(
    noisy: Tensor, refined: Tensor, image_sizes: Tensor, categories: Tensor, count: int, noise_level: float
) -> Drift:
    """Measure the drift of the boxes of a file.

    Each mean is shrunk towards what would be assumed without it, by how uncertain it is.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy.
        refined: ``Tensor[N, 4]``, xyxy, with area.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image, in the same units.
        categories: ``LongTensor[N]``, from 0 on.
        count: K, of the categories.
        noise_level: of the noisy boxes, as far as it is known; boxes further from a border than it, in units of their
            size, are rarely cut off.
    """
    differences = in_parts(displacement, refined, noisy).clamp_(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
    assumed = noise_level**2 / 6
    inner = _far_from_borders(refined, image_sizes, noise_level)
    centre = torch.stack([_shrunk(values, 0.0) for values in differences[:, :2].unbind(dim=1)])
    inner_size, own = torch.full_like(centre, assumed), differences.new_zeros(count, 4)
    for axis in (0, 1):
        is_inner = inner[:, axis]
        if is_inner.double().mean() > LEAST_SHARE:
            inner_size[axis] = _shrunk(differences[is_inner, 2 + axis] + assumed, assumed)
            for part in (axis, 2 + axis):
                own[:, part] = _own(differences[is_inner, part], categories[is_inner], count)
    return Drift(centre + own[:, :2], inner_size + own[:, 2:], assumed + own[:, 2:], noise_level)


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

    def of_part(refined: Tensor, image_sizes: Tensor, categories: Tensor) -> Tensor:
        inner = _far_from_borders(refined, image_sizes, drift.margin)
        sizes = torch.where(inner, drift.inner_size[categories], drift.outer_size[categories])
        moves = torch.cat([drift.centre[categories], sizes], dim=1)
        return clip(displaced(refined, moves), image_sizes)

    return in_parts(of_part, refined, image_sizes, categories)


def _shrunk(values: Tensor, assumed: float) -> Tensor:
    """The mean of values, drawn towards what is assumed the more, the less it differs for its uncertainty."""
    if len(values) < 2:  # one value says nothing of its uncertainty
        return values.new_tensor(assumed)
    surprise, variance = values.mean() - assumed, values.var() / len(values)
    return assumed + surprise**3 / (surprise**2 + variance).clamp(min=torch.finfo(values.dtype).tiny)


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


def _far_from_borders(boxes: Tensor, image_sizes: Tensor, margin: float) -> Tensor:
    """For x and y, which boxes keep a margin to both borders, ``BoolTensor[N, 2]``."""
    size = centre_and_size(boxes)[1]
    return (boxes[:, :2] > margin * size) & (boxes[:, 2:] < image_sizes.flip(1) - margin * size)
