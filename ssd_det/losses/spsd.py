"""Spatial position self-distillation: learn where objects are from boxes whose errors average out (eq. 7)."""

from torch import Tensor
from torch.nn import functional as F

from ssd_det.ops.boxes import encode


def spsd_loss(
    deltas: Tensor, proposals: Tensor, targets: Tensor, object_weight: Tensor | None = None, beta: float = 0.0
) -> Tensor:
    """L1 distance of the predicted deltas to those that lead from each proposal to its bag's target box.

    Every proposal counts, valid or not.

    L1 learns the median. Along each axis the sampler leaves 3 of 5 proposals where they are, so the median
    move is zero unless an object is further away than noise alone could put it. With ``beta`` above the usual
    delta, the distance is quadratic and the mean is learnt, which moves every proposal part of the way.

    Args:
        deltas: ``Tensor[G, P, 4]``, predicted, as :func:`ssd_det.ops.boxes.encode` makes them.
        proposals: ``Tensor[G, P, 4]``, xyxy in pixels.
        targets: ``Tensor[G, 4]``, xyxy in pixels: the noisy boxes, or stage I's boxes for its regressor.
        object_weight: ``Tensor[G]``, ω for stage I's regressor; 1 where not given.
        beta: errors below it count quadratically (smooth L1); 0 is L1, as published.

    Returns:
        Scalar: summed over coordinates, divided by the number of proposals.
    """
    target = encode(proposals, targets[:, None])
    distance = F.smooth_l1_loss(deltas, target, reduction="none", beta=beta).sum(dim=(1, 2))
    if object_weight is not None:
        distance = distance * object_weight
    return distance.sum() / max(deltas.shape[0] * deltas.shape[1], 1)
