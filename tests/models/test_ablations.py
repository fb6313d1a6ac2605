"""The settings behind the rows of the paper's ablations."""

import pytest
import torch
from torch.testing import assert_close

from ssd_det.losses.spsd import spsd_loss
from ssd_det.models.bag_features import enhance
from ssd_det.ops.boxes import decode
from tests.models.test_refiner_head import draws, make_features, make_head, make_objects


def step(**settings):
    head, objects = make_head(**settings), make_objects()
    output = head(make_features(), objects, draws())
    return head, objects, output, head.losses(output, objects)


def test_each_spsd_module_moves_the_bag_of_the_one_before_with_a_layer_of_its_own():
    head, objects, output, losses = step(spsd_modules=2)
    first, second = output.moves
    assert first.proposals is output.bag_a
    assert_close(second.proposals, decode(first.proposals, first.deltas))
    assert_close(output.bag_b, decode(second.proposals, second.deltas))
    assert not head.spsd[0].weight.equal(head.spsd[1].weight)
    expected = sum(spsd_loss(move.deltas, move.proposals, objects.boxes) for move in output.moves)
    assert_close(losses["spsd"], 0.25 * expected)


@pytest.mark.parametrize("weighted", [True, False])
def test_the_regressor_between_the_stages_is_weighed_by_omega_or_not(weighted):
    _, _, output, losses = step(weight_by_omega=weighted)
    assert output.omega.max() < 0.99
    expected = spsd_loss(output.regression.deltas, output.bag_b, output.r1, output.omega if weighted else None)
    assert_close(losses["stage1_regression"], 0.25 * expected)


@pytest.mark.parametrize(("relevance", "width"), [("none", 5), ("add", 5), ("subtract", 5), ("concatenate", 10)])
def test_each_proposal_is_told_of_its_own_bag_and_of_no_other(relevance, width):
    identity = torch.randn(2, 7, 5, generator=torch.Generator().manual_seed(0))
    found = enhance(identity, relevance)
    assert found.shape == (2, 7, width)
    mean = identity.mean(dim=1, keepdim=True)
    expected = {
        "none": identity,
        "add": identity + mean,
        "subtract": identity - mean,
        "concatenate": torch.cat([identity, mean.expand(2, 7, 5)], dim=2),
    }
    assert_close(found, expected[relevance])
    assert_close(enhance(identity[:1], relevance), found[:1])


@pytest.mark.parametrize("relevance", ["none", "subtract", "concatenate"])
def test_every_form_of_relevance_is_trained(relevance):
    head, _, _, losses = step(object_relevance=relevance)
    losses["sisd"].backward()
    assert head.sisd_iou.weight.shape == (1, 32 if relevance == "concatenate" else 16)
    assert head.sisd_iou.weight.grad.any()
    assert head.sisd_fcs[0].weight.grad.any()


def test_sisd_can_share_the_layers_of_the_stages():
    head, _, _, losses = step(share_sisd_fcs=True)
    assert head.sisd_fcs is None
    losses["sisd"].backward()
    assert head.shared_fcs[0].weight.grad.any()
