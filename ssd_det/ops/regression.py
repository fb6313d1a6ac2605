"""What fits by gradients have in common: features on one scale, and weights that are kept small."""

from collections.abc import Callable

import torch
from torch import Tensor

LARGEST_DEVIATION = 4.0  # standard deviations from the mean at which features are clipped
MOST_STEPS = 200


def standardised(values: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Values with mean 0 and deviation 1, clipped, and a column of ones.

    Args:
        values: ``Tensor[N, S]``.
        mean: ``Tensor[S]``, of those that were learnt from.
        deviation: ``Tensor[S]``, the same; where it is 0, values say nothing.

    Returns:
        ``Tensor[N, S + 1]``.
    """
    scaled = (values - mean) / torch.where(deviation > 0, deviation, 1)
    return torch.cat([scaled.clamp(-LARGEST_DEVIATION, LARGEST_DEVIATION), torch.ones_like(values[:, :1])], dim=1)


def minimum(loss: Callable[[Tensor], Tensor], start: Tensor, shrinkage: float) -> Tensor:
    """The weights that minimise a loss.

    Args:
        loss: of weights.
        start: ``Tensor[F, ...]``, float64, the weights to begin with.
        shrinkage: of the sum of the squares of all weights but those of the last row, so much is added to the loss.
    """
    weights = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([weights], max_iter=MOST_STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value: Tensor = loss(weights) + shrinkage * weights[:-1].square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    with torch.enable_grad():
        optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weights.detach()
