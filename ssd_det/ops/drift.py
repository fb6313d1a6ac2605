"""What the refined boxes of a file have in common that is wrong, told by the noisy boxes.

Noise averages out over a file; what is left of the differences between noisy and refined boxes is a drift of the
refiner. Its stages teach each other, so that nothing holds their mean in place. Three parts are told apart:

- Centres: the mean difference, over all objects.
- Sizes of objects far from the borders of their image, where they are most of the objects: the mean difference of
  logarithms. Elsewhere noisy boxes are cut off at the border, and are too small for that reason.
- Sizes of all others: a refiner learns the mean logarithm of noisy sizes, which lies below that of the true size. For
  noise of level n, a factor uniform in [1 - n, 1 + n], that is n² / 6 to second order.
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
    """By how much refined boxes are to be moved.

    Attributes:
        centre: ``Tensor[2]``, in units of the box.
        inner_size: ``Tensor[2]``, logarithms of factors, for objects far from both borders of an axis.
        outer_size: the same for all others.
        margin: how far that is, in units of the box.
    """

    centre: Tensor
    inner_size: Tensor
    outer_size: float
    margin: float


def measure_drift(noisy: Tensor, refined: Tensor, image_sizes: Tensor, noise_level: float) -> Drift:
    """Measure the drift of the boxes of a file.

    Each mean is shrunk towards what would be assumed without it, by how uncertain it is.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy.
        refined: ``Tensor[N, 4]``, xyxy, with area.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image, in the same units.
        noise_level: of the noisy boxes, as far as it is known; boxes further from a border than it, in units of their
            size, are rarely cut off.
    """
    differences = in_parts(displacement, refined, noisy).clamp_(-LARGEST_DIFFERENCE, LARGEST_DIFFERENCE)
    assumed = noise_level**2 / 6
    inner = _far_from_borders(refined, image_sizes, noise_level)
    return Drift(
        centre=torch.stack([_shrunk(differences[:, axis], 0.0) for axis in (0, 1)]),
        inner_size=torch.stack([_size(differences[:, 2 + axis], inner[:, axis], assumed) for axis in (0, 1)]),
        outer_size=assumed,
        margin=noise_level,
    )


def without_drift(refined: Tensor, drift: Drift, image_sizes: Tensor) -> Tensor:
    """Take the drift out of refined boxes.

    Args:
        refined: ``Tensor[N, 4]``, xyxy.
        drift: of them, or of the refiner that made them.
        image_sizes: ``Tensor[N, 2]``, (height, width) of each object's image.

    Returns:
        ``Tensor[N, 4]``, clipped to the images.
    """

    def of_part(refined: Tensor, image_sizes: Tensor) -> Tensor:
        inner = _far_from_borders(refined, image_sizes, drift.margin)
        sizes = torch.where(inner, drift.inner_size, drift.outer_size)
        moves = torch.cat([drift.centre.expand(len(refined), 2), sizes], dim=1)
        return clip(displaced(refined, moves), image_sizes)

    return in_parts(of_part, refined, image_sizes)


def _size(differences: Tensor, inner: Tensor, assumed: float) -> Tensor:
    """The drift of one side's logarithm, from the objects far from the borders; what is assumed where they are few."""
    if inner.double().mean() <= LEAST_SHARE:
        return differences.new_tensor(assumed)
    return _shrunk(differences[inner] + assumed, assumed)


def _shrunk(values: Tensor, assumed: float) -> Tensor:
    """The mean of values, drawn towards what is assumed the more, the less it differs for its uncertainty."""
    if len(values) < 2:  # one value says nothing of its uncertainty
        return values.new_tensor(assumed)
    surprise, variance = values.mean() - assumed, values.var() / len(values)
    return assumed + surprise**3 / (surprise**2 + variance).clamp(min=torch.finfo(values.dtype).tiny)


def _far_from_borders(boxes: Tensor, image_sizes: Tensor, margin: float) -> Tensor:
    """For x and y, which boxes keep a margin to both borders, ``BoolTensor[N, 2]``."""
    size = centre_and_size(boxes)[1]
    return (boxes[:, :2] > margin * size) & (boxes[:, 2:] < image_sizes.flip(1) - margin * size)
