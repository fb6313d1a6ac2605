"""What a pass of the refiner makes."""

from dataclasses import dataclass

from torch import Tensor

from ssd_det.ops.merging import MergedBoxes


@dataclass(frozen=True)
class Negatives:
    """Random boxes: ``boxes`` [B, N, 4], ``valid`` [B, N] and stage II's class logits [B, N, K]."""

    boxes: Tensor
    valid: Tensor
    classes: Tensor


@dataclass(frozen=True)
class Move:
    """What SPSD makes of a bag: its ``proposals`` [G, P, 4], and the ``deltas`` [G, P, 4] that move them."""

    proposals: Tensor
    deltas: Tensor


@dataclass(frozen=True)
class StageTwo:
    """What stage II makes of bag C.

    Attributes:
        proposals: bag C, ``Tensor[G, P, 4]``.
        valid: ``BoolTensor[G, P]``.
        classes: class logits, ``Tensor[G, P, K]``.
        instances: instance logits, ``Tensor[G, P, K]``.
        iou_scores: raw output of the IoU branch, ``Tensor[G, P]``; ``None`` without SISD.
        negatives: ``None`` where none were drawn.
    """

    proposals: Tensor
    valid: Tensor
    classes: Tensor
    instances: Tensor
    iou_scores: Tensor | None
    negatives: Negatives | None


@dataclass(frozen=True)
class RefinerOutput:
    """Everything that one pass makes; boxes are xyxy in pixels of the network's input and detached.

    Attributes:
        bag_a: the sampled proposals, ``Tensor[G, P, 4]``.
        valid: ``BoolTensor[G, P]``, validity of bag A, used for B as well, unless bags are judged anew: then B's.
        moves: of SPSD, the first from bag A; none without SPSD.
        bag_b: where they lead, ``Tensor[G, P, 4]``.
        classes: stage I's class logits, ``Tensor[G, P, K + 1]``, background last.
        instances: stage I's instance logits, ``Tensor[G, P, K + 1]``.
        regression: what leads to bag C, from B or from a bag around r1; ``None`` without it.
        r1: stage I's boxes, ``Tensor[G, 4]``, clipped.
        omega: ω, the bag score of the label in stage I, ``Tensor[G]`` in [0, 1].
        stage_two: ``None`` without stage II.
        merged: what was merged into r2, and its shares: of bag C, or of B without stage II.
        r2: the refined boxes, ``Tensor[G, 4]``; not clipped where SISD ranks them (see :attr:`refined`).
        score: ``Tensor[G]`` in [0, 1]: the merge-weighted mean of the predicted IoU, not calibrated;
            without SISD the last stage's bag score of the label.
        refined: ``Tensor[G, 4]``, r2 clipped to the image.
    """

    bag_a: Tensor
    valid: Tensor
    moves: tuple[Move, ...]
    bag_b: Tensor
    classes: Tensor
    instances: Tensor
    regression: Move | None
    r1: Tensor
    omega: Tensor
    stage_two: StageTwo | None
    merged: MergedBoxes
    r2: Tensor
    score: Tensor
    refined: Tensor
