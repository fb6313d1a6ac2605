"""What the refiner knows of how well it refined a box: evidence for a calibrated score."""

import torch
from torch import Tensor

from ssd_det.batches.batch import Objects
from ssd_det.losses.mil import of_label
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import area, centre_and_size, displacement, iou

LEAST, MOST = 1e-4, 5.0  # beyond them a logarithm tells nothing more

PASS_SIGNALS = ("omega", "predicted_iou", "class_score", "member_spread", "bag_spread", "stage_agreement")
BOX_SIGNALS = ("view_agreement", "crowding", "log_size")
MOVE_SIGNALS = ("overlap", "shift", "resizing")
SIGNALS = (*PASS_SIGNALS, *BOX_SIGNALS, *MOVE_SIGNALS)
EVIDENCE = len(PASS_SIGNALS) + len(BOX_SIGNALS)  # those before are of the refined box alone, not of its move


def pass_signals(output: RefinerOutput, objects: Objects) -> Tensor:
    """What one pass tells of each object.

    Args:
        output: of the refiner.
        objects: that it refined.

    Returns:
        ``Tensor[G, 6]``, see :data:`PASS_SIGNALS`: ω; the predicted IoU; the class score of the merged proposals;
        the logarithms of how far these and the whole bag spread about the box, in units of its size; the IoU of
        r1 and r2.
    """
    stage, merged = output.stage_two, output.merged
    if stage is None:
        bag, classes = output.bag_b, of_label(output.classes.softmax(dim=2), objects.labels)
    else:
        bag, classes = stage.proposals, of_label(stage.classes.sigmoid(), objects.labels)
    size = centre_and_size(output.r2)[1].clamp(min=1).repeat(1, 2)
    spread = ((bag - output.r2[:, None]) / size[:, None]).square().mean(dim=2)
    values = [
        output.omega,
        output.score,
        (classes.gather(1, merged.members) * merged.weights).sum(dim=1),
        spread.gather(1, merged.members).mean(dim=1).sqrt().clamp(min=LEAST).log(),
        spread.mean(dim=1).sqrt().clamp(min=LEAST).log(),
        iou(output.r1, output.refined),
    ]
    return torch.stack(values, dim=1).detach()


def box_signals(refined: Tensor, view_agreement: Tensor, objects: Objects) -> Tensor:
    """What the refined boxes tell of themselves and of their move.

    Args:
        refined: ``Tensor[G, 4]``, xyxy.
        view_agreement: ``Tensor[G]``, mean IoU with the boxes that different views of the image gave.
        objects: the objects with their noisy boxes.

    Returns:
        ``Tensor[G, 6]``, see :data:`BOX_SIGNALS` and :data:`MOVE_SIGNALS`: the agreement; the highest IoU with the
        noisy box of another object of the class; the logarithm of the size in pixels; the IoU with the noisy box;
        how far the centre moved from it and how much the size changed, in units and logarithms of the noisy box's.
    """
    others = iou(refined[:, None], objects.boxes) * objects.rivals()
    crowding = others.amax(dim=1) if len(refined) else view_agreement
    move = displacement(objects.boxes, refined)
    values = [
        view_agreement,
        crowding,
        area(refined).clamp(min=1).log() / 2,
        iou(refined, objects.boxes),
        move[:, :2].norm(dim=1),
        move[:, 2:].clamp(-MOST, MOST).norm(dim=1),
    ]
    return torch.stack(values, dim=1)
