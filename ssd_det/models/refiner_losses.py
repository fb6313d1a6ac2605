"""The loss of the refiner: six weighted terms."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.batches.batch import Objects
from ssd_det.losses.mil import negative_loss, stage_one_loss, stage_two_loss
from ssd_det.losses.sisd import sisd_loss
from ssd_det.losses.spsd import spsd_loss
from ssd_det.models.refiner_output import RefinerOutput, StageTwo


@dataclass(frozen=True)
class LossWeights:
    """Weights of the six terms (section 3.4 of the paper; the values are those of its code).

    Args:
        spsd: of the regression from bag A towards the noisy box.
        stage1_mil: of stage I's classification of bags.
        stage1_regression: of the regression from bag B towards r1.
        stage2_mil: of stage II's classification of bags.
        negatives: of stage II's classification of random boxes as background.
        sisd: of the predicted IoU with r1.
    """

    spsd: float = 0.25
    stage1_mil: float = 0.25
    stage1_regression: float = 0.25
    stage2_mil: float = 0.25
    negatives: float = 0.75
    sisd: float = 5.0


def refiner_losses(
    output: RefinerOutput, objects: Objects, weights: LossWeights, beta: float = 0.0, weight_by_omega: bool = True
) -> dict[str, Tensor]:
    """Weighted loss terms of a pass (section 3.4), in full precision; the total is their sum (eq. 1).

    Without objects every term is zero, and still connected to the parameters. Objects with a trusted box are led there,
    with their weight in the three terms that lead boxes.

    Args:
        output: of the refiner.
        objects: that it refined.
        weights: of the terms.
        beta: errors below it count quadratically in both regression terms; 0 is L1.
        weight_by_omega: weigh the loss of stage I's regressor by ω.

    Returns:
        Scalars by name: ``spsd``, ``stage1_mil``, ``stage1_regression``, ``stage2_mil``,
        ``negatives``, ``sisd``, as far as the parts are there.
    """
    terms, goals = {}, _goals(objects, output)
    with torch.autocast(objects.boxes.device.type, enabled=False):
        if output.moves:
            distances = [
                spsd_loss(move.deltas, move.proposals, goals.first, goals.weight, beta) for move in output.moves
            ]
            terms["spsd"] = weights.spsd * torch.stack(distances).sum()
        mil = stage_one_loss(output.classes, output.instances, objects.labels, output.valid)
        terms["stage1_mil"] = weights.stage1_mil * mil
        move = output.regression
        if move is not None:
            object_weight = goals.confidence if weight_by_omega else goals.weight
            distance = spsd_loss(move.deltas, move.proposals, goals.second, object_weight, beta)
            terms["stage1_regression"] = weights.stage1_regression * distance
        if output.stage_two is not None:
            terms |= _stage_two_losses(output.stage_two, output, objects, weights, goals)
    return terms


@dataclass(frozen=True)
class _Goals:
    """Where the losses lead boxes.

    Attributes:
        first: ``Tensor[G, 4]``, from bag A.
        second: ``Tensor[G, 4]``, from bag B on.
        confidence: ``Tensor[G]``, what objects count by where that is ω; trusted boxes are sure.
        weight: ``Tensor[G]``, of objects; ``None`` where all count once.
    """

    first: Tensor
    second: Tensor
    confidence: Tensor
    weight: Tensor | None = None


def _goals(objects: Objects, output: RefinerOutput) -> _Goals:
    """Noisy boxes and r1, and trusted boxes in place of both where there are some."""
    if objects.trusted is None:
        return _Goals(objects.boxes, output.r1, output.omega)
    known = ~objects.trusted.isnan().any(dim=1)
    first, second = (torch.where(known[:, None], objects.trusted, boxes) for boxes in (objects.boxes, output.r1))
    weight = torch.where(known, objects.trusted_weight, 1.0)
    return _Goals(first, second, torch.where(known, weight, output.omega), weight)


def _stage_two_losses(
    stage: StageTwo, output: RefinerOutput, objects: Objects, weights: LossWeights, goals: _Goals
) -> dict[str, Tensor]:
    """Those of stage II, its negatives and its IoU branch."""
    mil = stage_two_loss(stage.classes, stage.instances, objects.labels, stage.valid, output.omega)
    terms = {"stage2_mil": weights.stage2_mil * mil}
    if stage.negatives is not None:
        background = negative_loss(stage.negatives.classes, stage.negatives.valid, output.omega)
        terms["negatives"] = weights.negatives * background
    if stage.iou_scores is not None:
        terms["sisd"] = weights.sisd * sisd_loss(stage.iou_scores, stage.proposals, goals.second, goals.weight)
    return terms
