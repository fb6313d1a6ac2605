"""Spatial position self-distillation: learn where objects are from boxes whose errors average out (eq. 7)."""

from torch import Tensor

from ssd_det.ops.boxes import encode


def spsd_loss(deltas: Tensor, proposals: Tensor, targets: Tensor, object_weight: Tensor | None = None) -> Tensor:
    """L1 distance of the predicted deltas to those that lead from each proposal to its bag's target box.

    Every proposal counts, valid or not.

    Args:
        deltas: ``Tensor[G, P, 4]``, predicted, as :func:`ssd_det.ops.boxes.encode` makes them.
        proposals: ``Tensor[G, P, 4]``, xyxy in pixels.
        targets: ``Tensor[G, 4]``, xyxy in pixels: the noisy boxes, or stage I's boxes for its regressor.
        object_weight: ``Tensor[G]``, ω for stage I's regressor; 1 where not given.

    Returns:
        Scalar: summed over coordinates, divided by the number of proposals.
    """
    distance = (deltas - encode(proposals, targets[:, None])).abs().sum(dim=(1, 2))
    if object_weight is not None:
        distance = distance * object_weight
    return distance.sum() / max(deltas.shape[0] * deltas.shape[1], 1)
