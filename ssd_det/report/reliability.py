"""How well scores, as probabilities, agree with what happened."""

from dataclasses import dataclass

import torch
from torch import Tensor

BINS = 10


@dataclass(frozen=True)
class Bin:
    """The scores of a tenth of the range [0, 1].

    Attributes:
        count: how many.
        mean_score: their mean.
        share: of them, what happened.
    """

    count: int
    mean_score: float
    share: float


@dataclass(frozen=True)
class Reliability:
    """How well scores agree with outcomes; the order of the fields is that of the json files.

    Attributes:
        count: how many scores.
        mean_score: their mean.
        share: of them, what happened.
        calibration_error: the expected one over 10 bins.
        auc: the area under the ROC curve, ``None`` where outcomes do not differ.
        bins: those that are not empty, from low to high scores.
    """

    count: int
    mean_score: float
    share: float
    calibration_error: float
    auc: float | None
    bins: list[Bin]


def reliability(scores: Tensor, happened: Tensor) -> Reliability:
    """Measure scores against outcomes.

    Args:
        scores: ``Tensor[N]`` in [0, 1], at least one.
        happened: ``BoolTensor[N]``.
    """
    # It takes longer to import than comparing takes, and boxes without scores do not need it.
    from torchmetrics.functional.classification import (  # noqa: PLC0415
        binary_auroc,
        binary_calibration_error,
    )

    numbers = (scores * BINS).long().clamp(max=BINS - 1)
    bins = [_bin(scores[numbers == number], happened[numbers == number]) for number in sorted(set(numbers.tolist()))]
    overall = _bin(scores, happened)
    differ = bool(happened.any()) and not bool(happened.all())
    return Reliability(
        count=overall.count,
        mean_score=overall.mean_score,
        share=overall.share,
        calibration_error=binary_calibration_error(scores, happened.long(), n_bins=BINS).item(),
        auc=binary_auroc(scores, happened.long()).item() if differ else None,
        bins=bins,
    )


def _bin(scores: Tensor, happened: Tensor) -> Bin:
    return Bin(len(scores), scores.mean().item(), happened.to(torch.float32).mean().item())
