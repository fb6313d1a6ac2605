import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.losses.mil import (
    bag_scores,
    instance_scores,
    negative_loss,
    of_label,
    stage_one_loss,
    stage_two_loss,
)


def logits(seed, classes=4):
    return torch.randn(3, 6, classes, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 10**6))
def test_instance_scores_are_shares_of_the_valid_proposals(seed):
    valid = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)) > 0.4
    found = instance_scores(logits(seed), valid)
    expected = valid.any(1).double()[:, None].expand(3, 4)
    assert_close(found.sum(1), expected)
    assert not found[~valid].any()


def test_bag_scores_stay_between_zero_and_one():
    found = bag_scores(logits(0).sigmoid(), logits(1), torch.ones(3, 6, dtype=torch.bool))
    assert ((found >= 0) & (found <= 1)).all()


def test_a_certain_and_correct_bag_costs_almost_nothing():
    classes = torch.full((1, 6, 4), -20.0)
    classes[:, :, 2] = 20
    valid, label = torch.ones(1, 6, dtype=torch.bool), torch.tensor([2])
    assert stage_one_loss(classes, torch.zeros(1, 6, 4), label, valid) < 1e-6
    assert stage_two_loss(classes, torch.zeros(1, 6, 4), label, valid, torch.ones(1)) < 1e-6


def test_weight_zero_disables_an_object():
    classes, instances = logits(2).requires_grad_(), logits(3).requires_grad_()
    labels, valid = torch.tensor([0, 1, 2]), torch.ones(3, 6, dtype=torch.bool)
    stage_two_loss(classes, instances, labels, valid, torch.tensor([1.0, 0.0, 1.0])).backward()
    assert not classes.grad[1].any()
    assert classes.grad[0].any()


def test_of_label_picks_the_labelled_column():
    scores = logits(4)
    assert torch.equal(of_label(scores, torch.tensor([3, 0, 1]))[0], scores[0, :, 3])


def test_losses_without_objects_are_zero_and_connected():
    classes, instances = torch.zeros(0, 6, 4, requires_grad=True), torch.zeros(0, 6, 4, requires_grad=True)
    labels, valid, weight = torch.zeros(0, dtype=torch.long), torch.zeros(0, 6, dtype=torch.bool), torch.zeros(0)
    negatives = torch.zeros(2, 5, 4, requires_grad=True)
    total = (
        stage_one_loss(classes, instances, labels, valid)
        + stage_two_loss(classes, instances, labels, valid, weight)
        + negative_loss(negatives, torch.ones(2, 5, dtype=torch.bool), weight)
    )
    total.backward()
    assert total == 0
    assert classes.grad is not None
    assert negatives.grad is not None
    assert not negatives.grad.any()
