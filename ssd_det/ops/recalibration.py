"""Correcting probabilities by outcomes that became known; where these are few, little is changed."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch import Tensor

LEAST_PROBABILITY = 0.01  # so that one that was sure can be wrong
SCALE = 0.3  # of the prior: what is smaller is hardly believed of a few outcomes
FOLDS = 10


class Recalibration(NamedTuple):
    """Probabilities become the logistic function of shift + slope · logit + directions · moves.

    Attributes:
        shift: 0 changes nothing.
        slope: positive; 1 changes nothing.
        directions: ``Tensor[D]``, which moves make the outcome more likely; 0 changes nothing.
    """

    shift: float
    slope: float
    directions: Tensor

    def __call__(self, probabilities: Tensor, moves: Tensor) -> Tensor:
        """The corrected probabilities of ``Tensor[N]`` and ``Tensor[N, D]``."""
        return (self.shift + self.slope * _logits(probabilities) + moves @ self.directions).sigmoid()


def fit_recalibration(probabilities: Tensor, moves: Tensor, happened: Tensor) -> Recalibration:
    """Learn how probabilities are to be corrected: the most likely correction.

    The prior is Cauchy's: few outcomes that differ a little change little, and many that contradict decide.

    Args:
        probabilities: ``Tensor[N]``, float64.
        moves: ``Tensor[N, D]``, float64, about as large as 1.
        happened: ``BoolTensor[N]``, the outcomes.
    """
    signs = np.where(happened.numpy(), 1.0, -1.0)
    logits, directed = _logits(probabilities).numpy(), moves.numpy()

    def loss(parameters: npt.NDArray[np.float64]) -> float:
        logit = parameters[0] + np.exp(parameters[1]) * logits + directed @ parameters[2:]
        return float(np.logaddexp(0, -signs * logit).sum() + np.log1p((parameters / SCALE) ** 2).sum())

    shift, logarithm, *directions = minimize(loss, np.zeros(2 + moves.shape[1]), method="BFGS").x.tolist()
    return Recalibration(shift, float(np.exp(logarithm)), torch.tensor(directions, dtype=torch.float64))


def recalibrated_unseen(probabilities: Tensor, moves: Tensor, happened: Tensor) -> Tensor:
    """Probabilities, each corrected by a fit that has not seen its own outcome, ``Tensor[N]``.

    Args:
        probabilities: ``Tensor[N]``, float64.
        moves: ``Tensor[N, D]``, float64, about as large as 1.
        happened: ``BoolTensor[N]``.
    """
    result = probabilities.clone()
    fold = torch.arange(len(probabilities)) % FOLDS
    for number in range(min(FOLDS, len(probabilities))):
        own = fold == number
        fitted = fit_recalibration(probabilities[~own], moves[~own], happened[~own])
        result[own] = fitted(probabilities[own], moves[own])
    return result


def _logits(probabilities: Tensor) -> Tensor:
    return probabilities.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY).logit()
