"""Between refined and noisy boxes: where a refiner errs as much as the noise is large, the best box is between both.

How far to go back is learnt from boxes whose truth is known, by what the refiner knows of each.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.ops.parts import in_parts
from ssd_det.ops.regression import minimum, standardised

START = -3.0  # the logit of the share of the way back that all boxes begin with
SHRINKAGE = 0.3  # against going by chance: the weight of the prior, in objects


@dataclass(frozen=True)
class Blend:
    """Which share of the way from the refined back to the noisy box each box goes; a logistic function of signals.

    Attributes:
        mean: ``Tensor[S]`` of the signals it was fitted on.
        deviation: ``Tensor[S]``, their standard deviation.
        weights: ``Tensor[S + 1, 2]``, for centres and for sizes.
    """

    mean: Tensor
    deviation: Tensor
    weights: Tensor

    def __call__(self, noisy: Tensor, refined: Tensor, signals: Tensor) -> Tensor:
        """Boxes between both.

        Args:
            noisy: ``Tensor[N, 4]``, xyxy in pixels, with area.
            refined: ``Tensor[N, 4]``, the same.
            signals: ``Tensor[N, S]``.

        Returns:
            ``Tensor[N, 4]``, no further out than the two boxes.
        """

        def of_part(noisy: Tensor, refined: Tensor, signals: Tensor) -> Tensor:
            features = standardised(signals.double(), self.mean, self.deviation)
            between = _between(noisy, refined, features, self.weights)
            return between.clamp(torch.minimum(noisy, refined), torch.maximum(noisy, refined))

        return in_parts(of_part, noisy, refined, signals)


def fit_blend(noisy: Tensor, refined: Tensor, true: Tensor, signals: Tensor) -> Blend:
    """Learn the shares that bring the boxes closest to the truth, by their mean IoU.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy in pixels, with area.
        refined: ``Tensor[N, 4]``, the same.
        true: ``Tensor[N, 4]``, the same.
        signals: ``Tensor[N, S]``, of the refined boxes.
    """
    signals = signals.double()
    mean, deviation = signals.mean(dim=0), signals.std(dim=0)
    features = standardised(signals, mean, deviation)
    start = torch.zeros(features.shape[1], 2, dtype=torch.float64)
    start[-1] = START

    def loss(weights: Tensor) -> Tensor:
        return -iou(_between(noisy, refined, features, weights), true).mean()

    return Blend(mean, deviation, minimum(loss, start, SHRINKAGE / len(features)))


def blended_unseen(noisy: Tensor, refined: Tensor, true: Tensor, signals: Tensor) -> Tensor:
    """Boxes between both, every other one by what the rest of them shows; for the arguments see :func:`fit_blend`.

    Returns:
        ``Tensor[N, 4]``; these are as good as those of boxes whose truth is not known.
    """
    between = torch.empty_like(refined)
    for own in (slice(0, None, 2), slice(1, None, 2)):
        others = slice(1 - own.start, None, 2)
        blend = fit_blend(noisy[others], refined[others], true[others], signals[others])
        between[own] = blend(noisy[own], refined[own], signals[own])
    return between


def _between(noisy: Tensor, refined: Tensor, features: Tensor, weights: Tensor) -> Tensor:
    """Boxes on the way back."""
    shares = (features @ weights).sigmoid().repeat_interleave(2, dim=1)
    return displaced(refined, shares * displacement(refined, noisy))
