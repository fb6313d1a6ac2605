import torch
from hypothesis import given
from torch.testing import assert_close

from ssd_det.losses.spsd import spsd_loss
from ssd_det.ops.boxes import encode, mirror
from tests.strategies import IMAGE_WIDTH, boxes


@given(boxes(), boxes())
def test_correct_deltas_cost_nothing(proposals, targets):
    bags = proposals[:, None]
    assert spsd_loss(encode(bags, targets[:, None]), bags, targets) == 0


@given(boxes(), boxes())
def test_loss_is_the_same_for_mirrored_boxes(proposals, targets):
    width = torch.tensor(IMAGE_WIDTH, dtype=torch.float64)
    bags, deltas = proposals[:, None], torch.full((3, 1, 4), 0.3, dtype=torch.float64)
    flipped = deltas * deltas.new_tensor([-1, 1, 1, 1])
    mirrored = spsd_loss(flipped, mirror(bags, width), mirror(targets, width))
    assert_close(mirrored, spsd_loss(deltas, bags, targets), rtol=1e-6, atol=1e-9)


def test_no_object_costs_nothing():
    deltas = torch.zeros(0, 5, 4, requires_grad=True)
    loss = spsd_loss(deltas, torch.zeros(0, 5, 4), torch.zeros(0, 4))
    loss.backward()
    assert loss == 0
