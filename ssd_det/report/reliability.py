"""How well scores, as probabilities, agree with what happened."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional.classification import binary_auroc, binary_calibration_error

BINS = 10


def reliability(scores: Tensor, happened: Tensor) -> dict[str, Any]:
    """Measure scores against outcomes.

    Args:
        scores: ``Tensor[N]`` in [0, 1], at least one.
        happened: ``BoolTensor[N]``.

    Returns:
        ``count``; ``calibration_error``, the expected one over 10 bins; ``auc``, the area under the ROC curve, ``None``
        where outcomes do not differ; ``share``, of what happened; ``mean_score``; and ``bins``, of each that is not
        empty the ``count``, ``mean_score`` and ``share``.
    """
    place = (scores * BINS).long().clamp(max=BINS - 1)
    bins = [_summary(scores[place == number], happened[place == number]) for number in sorted(set(place.tolist()))]
    differ = bool(happened.any()) and not bool(happened.all())
    return {
        **_summary(scores, happened),
        "calibration_error": binary_calibration_error(scores, happened.long(), n_bins=BINS).item(),
        "auc": binary_auroc(scores, happened.long()).item() if differ else None,
        "bins": bins,
    }


def _summary(scores: Tensor, happened: Tensor) -> dict[str, Any]:
    return {
        "count": len(scores),
        "mean_score": scores.mean().item(),
        "share": happened.to(torch.float32).mean().item(),
    }
