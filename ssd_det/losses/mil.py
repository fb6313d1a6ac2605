"""Multiple instance learning: which proposals of a bag show the labelled object (eq. 2 to 5)."""

import torch
from torch import Tensor
from torch.nn import functional as F

LOG_EPSILON = 1e-6
MIN_INSTANCE_SUM = 1e-12


def instance_scores(logits: Tensor, valid: Tensor) -> Tensor:
    """Share of each proposal in its bag, for each class: a softmax over the valid proposals.

    Args:
        logits: ``Tensor[G, P, K]``.
        valid: ``BoolTensor[G, P]``.

    Returns:
        ``Tensor[G, P, K]``, summing to 1 over a bag, all zero for a bag without a valid proposal.
    """
    scores = logits.softmax(dim=1) * valid[:, :, None]
    return scores / scores.sum(dim=1, keepdim=True).clamp(min=MIN_INSTANCE_SUM)


def of_label(scores: Tensor, labels: Tensor) -> Tensor:
    """Pick the column of each bag's label.

    Args:
        scores: ``Tensor[G, P, K]``.
        labels: ``LongTensor[G]`` in [0, K).

    Returns:
        ``Tensor[G, P]``.
    """
    return scores.gather(2, labels[:, None, None].expand(-1, scores.shape[1], 1)).squeeze(2)


def bag_scores(probabilities: Tensor, instances: Tensor, valid: Tensor) -> Tensor:
    """Score of each bag for each class: its proposals' class probabilities, weighted by their shares.

    Args:
        probabilities: ``Tensor[G, P, K]`` in [0, 1].
        instances: ``Tensor[G, P, K]``, instance logits.
        valid: ``BoolTensor[G, P]``.

    Returns:
        ``Tensor[G, K]`` in [0, 1].
    """
    return (probabilities * instance_scores(instances, valid)).sum(dim=1)


def count_bags(valid: Tensor) -> Tensor:
    """Number of bags with a valid proposal, at least 1."""
    return valid.any(dim=1).sum().clamp(min=1)


def stage_one_loss(
    classes: Tensor, instances: Tensor, labels: Tensor, valid: Tensor, object_weight: Tensor | None = None
) -> Tensor:
    """Binary cross-entropy of the bag scores (eq. 2, 3), class scores by softmax.

    A bag without a valid proposal scores 0 everywhere and costs 100 for its label, as published.

    Args:
        classes: ``Tensor[G, P, K + 1]``, class logits, background last.
        instances: ``Tensor[G, P, K + 1]``, instance logits.
        labels: ``LongTensor[G]`` in [0, K).
        valid: ``BoolTensor[G, P]``.
        object_weight: ``Tensor[G]``; 1 where not given.

    Returns:
        Scalar: summed over classes, divided by the number of bags that have a valid proposal.
    """
    scores = bag_scores(classes.softmax(dim=2), instances, valid).clamp(0, 1)
    target = F.one_hot(labels, scores.shape[1]).to(scores.dtype)
    # binary_cross_entropy aborts on NaN, so NaN is added afterwards, for the training step to find.
    finite = scores.nan_to_num(0)
    loss = F.binary_cross_entropy(finite, target, reduction="none").sum(dim=1)
    loss = loss + (scores - finite).detach().sum(dim=1)
    if object_weight is not None:
        loss = loss * object_weight
    return loss.sum() / count_bags(valid)


def stage_two_loss(classes: Tensor, instances: Tensor, labels: Tensor, valid: Tensor, object_weight: Tensor) -> Tensor:
    """Focal cross-entropy of the bag scores (eq. 4), class scores by sigmoid, weighted by object.

    Args:
        classes: ``Tensor[G, P, K]``, class logits.
        instances: ``Tensor[G, P, K]``, instance logits.
        labels: ``LongTensor[G]`` in [0, K).
        valid: ``BoolTensor[G, P]``; a bag without a valid proposal costs nothing.
        object_weight: ``Tensor[G]``, the confidence ω of stage I.

    Returns:
        Scalar: summed over classes, divided by the number of bags that have a valid proposal.
    """
    scores = bag_scores(classes.sigmoid(), instances, valid)
    target = F.one_hot(labels, scores.shape[1]).to(scores.dtype)
    loss = _focal_cross_entropy(scores, target).sum(dim=1) * object_weight * valid.any(dim=1)
    return loss.sum() / count_bags(valid)


def negative_loss(classes: Tensor, valid: Tensor, object_weight: Tensor) -> Tensor:
    """Focal cross-entropy that classifies random boxes away from all bags as background (eq. 5).

    Args:
        classes: ``Tensor[..., K]``, stage II's class logits of the negatives.
        valid: ``BoolTensor[...]``, the negatives that count.
        object_weight: ``Tensor[G]``, the confidences ω; the loss is scaled by their mean.

    Returns:
        Scalar: summed over classes and valid negatives, divided by the number of *objects*, as published.
    """
    scores = classes.sigmoid()
    loss = _focal_cross_entropy(scores, torch.zeros_like(scores)).sum(dim=-1) * valid
    objects = max(len(object_weight), 1)
    return loss.sum() / objects * (object_weight.sum() / objects)


def _focal_cross_entropy(scores: Tensor, target: Tensor) -> Tensor:
    """(p − q)² · cross-entropy(p, q), element by element."""
    positive = target * (scores + LOG_EPSILON).log()
    negative = (1 - target) * (1 - scores + LOG_EPSILON).log()
    return -((scores - target) ** 2) * (positive + negative)
