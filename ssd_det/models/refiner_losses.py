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

    Without objects every term is zero, and still connected to the parameters.

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
    terms = {}
    with torch.autocast(objects.boxes.device.type, enabled=False):
        if output.moves:
            distances = [spsd_loss(move.deltas, move.proposals, objects.boxes, beta=beta) for move in output.moves]
            terms["spsd"] = weights.spsd * torch.stack(distances).sum()
        mil = stage_one_loss(output.classes, output.instances, objects.labels, output.valid)
        terms["stage1_mil"] = weights.stage1_mil * mil
        move = output.regression
        if move is not None:
            object_weight = output.omega if weight_by_omega else None
            distance = spsd_loss(move.deltas, move.proposals, output.r1, object_weight, beta)
            terms["stage1_regression"] = weights.stage1_regression * distance
        if output.stage_two is not None:
            terms |= _stage_two_losses(output.stage_two, output, objects, weights)
    return terms


def _stage_two_losses(
    stage: StageTwo, output: RefinerOutput, objects: Objects, weights: LossWeights
) -> dict[str, Tensor]:
    """Those of stage II, its negatives and its IoU branch."""
    mil = stage_two_loss(stage.classes, stage.instances, objects.labels, stage.valid, output.omega)
    terms = {"stage2_mil": weights.stage2_mil * mil}
    if stage.negatives is not None:
        background = negative_loss(stage.negatives.classes, stage.negatives.valid, output.omega)
        terms["negatives"] = weights.negatives * background
    if stage.iou_scores is not None:
        terms["sisd"] = weights.sisd * sisd_loss(stage.iou_scores, stage.proposals, output.r1)
    return terms
