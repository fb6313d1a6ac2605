"""From what a refiner knows about a refined box to the probability that it is better than the noisy box.

No true boxes are used. All tables have a row for each object, on the CPU; signals may be float32, all else is float64.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ssd_det.ops.noise_level import LEAST_OBJECTS
from ssd_det.ops.parts import in_parts
from ssd_det.ops.regression import minimum, standardised

SHRINKAGE = 3.0  # against overconfidence: the weight of the prior, in objects
LEAST_VARIANCE = 1e-12
STRONGEST_RESPONSE = 0.9
TYPICAL_SHARE = 2 / 3  # of the objects, whose residuals are taken for those of noise
LARGEST_SQUARE = 9.0  # of a residual over its variance, so that a few wild boxes do not decide
MOST_OBJECTS = 100_000  # that a regression learns from: bounds memory and time
MIN_THRESHOLD = 0.5
NONE_ACCEPTED = 1.0


def relative_variance(residuals: Tensor, evidence: Tensor) -> Tensor:
    """How much larger than usual the variance of each object's residual is, estimated from evidence.

    A regression of the logarithm of the variance (Harvey, 1976), fitted by maximum likelihood; for more than 100,000
    objects to as many of them, at equal distances.

    Args:
        residuals: ``Tensor[N, 4]``, displacements of the noisy from the refined boxes.
        evidence: ``Tensor[N, S]``, signals of the refined boxes, but not how far they moved.

    Returns:
        ``Tensor[N]``, positive, with a mean of 1.
    """
    every = max(-(-len(residuals) // MOST_OBJECTS), 1)
    learnt, known = residuals[::every], evidence[::every].double()
    variance = learnt.square().mean(dim=0).clamp(min=LEAST_VARIANCE)
    squares = (learnt.square() / variance).mean(dim=1).clamp(max=LARGEST_SQUARE)
    mean, deviation = known.mean(dim=0), known.std(dim=0)
    features = standardised(known, mean, deviation)

    def loss(weights: Tensor) -> Tensor:
        logarithm = features @ weights
        return (logarithm + squares * (-logarithm).exp()).mean()

    weights = minimum(loss, features.new_zeros(features.shape[1]), SHRINKAGE / len(features))
    factors = in_parts(lambda part: (standardised(part.double(), mean, deviation) @ weights).exp(), evidence)
    return factors / factors.mean()


class Response(NamedTuple):
    """How refined boxes respond when noisy boxes are moved.

    Attributes:
        slope: ``Tensor[4]`` in [0, 0.9], the share of a move that they follow.
        scatter: ``Tensor[4]``, the variance of their other movement, as a share of that of the moves.
    """

    slope: Tensor
    scatter: Tensor

    @property
    def remaining(self) -> Tensor:
        """How much of the variance of moves is between the moved boxes and those refined from them, ``Tensor[4]``."""
        return (1 - self.slope) ** 2 + self.scatter


def no_response() -> Response:
    """The response of a refiner that always finds the same box."""
    return Response(torch.zeros(4, dtype=torch.float64), torch.zeros(4, dtype=torch.float64))


def response_to(moves: Tensor, refined_moves: Tensor) -> Response:
    """How refined boxes respond to moves.

    Args:
        moves: ``Tensor[N, 4]``, displacements of the noisy boxes.
        refined_moves: ``Tensor[N, 4]``, displacements of the boxes refined from them.
    """
    squares = moves.square().sum(dim=0).clamp(min=LEAST_VARIANCE)
    slope = ((moves * refined_moves).sum(dim=0) / squares).clamp(0, STRONGEST_RESPONSE)
    return Response(slope, (refined_moves - slope * moves).square().sum(dim=0) / squares)


def own_variance(residuals: Tensor, relative: Tensor, noise_deviation: float, response: Response) -> Tensor:
    """Variance of the refiner's own error: how far from its true place it sees an object.

    Refined boxes follow a part, the slope, of how far noisy ones are from where the refiner sees the object. So the
    residual holds (1 - slope) of both, the noise and the refiner's own error, and the scatter that noise causes.

    Args:
        residuals: ``Tensor[N, 4]``, displacements of the noisy from the refined boxes.
        relative: ``Tensor[M]``, from :func:`relative_variance`, of the objects to know it of.
        noise_deviation: standard deviation of the noise, in units of the box.
        response: of the refiner to noise.

    Returns:
        ``Tensor[M, 4]``, not negative.
    """
    variance = relative[:, None] * residuals.square().mean(dim=0)
    unexplained = (variance - response.remaining * noise_deviation**2).clamp(min=0)
    return unexplained / (1 - response.slope) ** 2


def typical_noise(residuals: Tensor, response: Response, counted: Tensor) -> float:
    """The standard deviation of the noise, assuming that two thirds of the objects are refined without error.

    Most errors are small, and a few are large. So two thirds of the residuals are about as far from 0 as noise is,
    which is taken for uniform: of normal noise up to a sixth less is seen.

    Args:
        residuals: ``Tensor[N, 4]``, displacements of the noisy from the refined boxes.
        response: of the refiner to noise.
        counted: ``BoolTensor[N, 4]``, the residuals that nothing but noise and error has a part in; all count where
            these are fewer than 20 of an axis on average.

    Returns:
        In units of the box, the root of the mean square over the four axes.
    """
    counted = _enough(counted)
    squares = torch.stack([_typical_square(residuals[own, axis]) for axis, own in enumerate(counted.T)])
    number = counted.sum(dim=0)
    return ((squares / response.remaining * number).sum() / number.sum()).sqrt().item()


def _enough(counted: Tensor) -> Tensor:
    """The residuals that count, ``BoolTensor[N, 4]``: all, where those that should are too few."""
    return counted if counted.sum(dim=0).double().mean() >= LEAST_OBJECTS else torch.ones_like(counted)


def _typical_square(residuals: Tensor) -> Tensor:
    """The mean square of uniform noise, two thirds of which are within those of the residuals ``Tensor[N]``."""
    if not len(residuals):
        return residuals.new_zeros(())
    return (residuals.abs().quantile(TYPICAL_SHARE) / TYPICAL_SHARE).square() / 3


def level_with_error_known_to_differ(residuals: Tensor, response: Response, added_level: float) -> float:
    """The level of the noise, where it is known how much noise the refined boxes' error falls short of it.

    What refined boxes follow of the noise is a part of their error, and missing in the residuals. So the variances of
    the residuals and of the noise that is known add up to 2 (1 - slope) times that of the noise.

    Args:
        residuals: ``Tensor[N, 4]``, displacements of the noisy from the refined boxes.
        response: of the refiner to noise.
        added_level: the noise that makes the refined boxes as bad as the noisy ones.
    """
    largest = LARGEST_SQUARE**0.5 * residuals.std(dim=0)
    squares = 3 * residuals.clamp(-largest, largest).var(dim=0)
    return ((squares + added_level**2) / (2 * (1 - response.slope))).mean().sqrt().item()


@dataclass(frozen=True)
class Probability:
    """A logistic regression on signals and their squares.

    Attributes:
        mean: ``Tensor[S]`` of the signals it was fitted on.
        deviation: ``Tensor[S]``, their standard deviation.
        weights: ``Tensor[2 S + 1]``.
    """

    mean: Tensor
    deviation: Tensor
    weights: Tensor

    def __call__(self, signals: Tensor) -> Tensor:
        """Probabilities ``Tensor[N]`` for signals ``Tensor[N, S]``."""

        def of_part(part: Tensor) -> Tensor:
            return (_with_squares(part.double(), self.mean, self.deviation) @ self.weights).sigmoid()

        return in_parts(of_part, signals)


def fit_probability(signals: Tensor, better: Tensor) -> Probability:
    """Learn the probability of an outcome.

    Args:
        signals: ``Tensor[N, S]``.
        better: ``BoolTensor[N]``, the outcomes.
    """
    signals = signals.double()
    mean, deviation = signals.mean(dim=0), signals.std(dim=0)
    features, target = _with_squares(signals, mean, deviation), better.to(signals.dtype)

    def loss(weights: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(features @ weights, target)

    weights = minimum(loss, features.new_zeros(features.shape[1]), SHRINKAGE / len(features))
    return Probability(mean, deviation, weights)


def best_threshold(probabilities: Tensor, gains: Tensor) -> float:
    """The probability from which on refined boxes should be accepted.

    Args:
        probabilities: ``Tensor[N]``.
        gains: ``Tensor[N]``, by how much the IoU with the true box grows.

    Returns:
        The threshold in [0.5, 1] above which the sum of the gains is largest; 1 if no sum is positive.
    """
    order = probabilities.argsort(descending=True)
    sums = gains[order].cumsum(dim=0)
    if not len(sums) or sums.max() <= 0:
        return NONE_ACCEPTED
    return max(MIN_THRESHOLD, probabilities[order[sums.argmax()]].item())


def _with_squares(values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    scaled = standardised(values, mean, deviation)
    return torch.cat([scaled[:, :-1].square(), scaled], dim=1)
