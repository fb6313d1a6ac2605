import pytest
import torch

from ssd_det.losses.sisd import predicted_iou, sisd_loss


def test_the_true_overlap_costs_nothing():
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    proposals = torch.tensor([[[0.0, 0.0, 10.0, 10.0], [0.0, 0.0, 10.0, 5.0], [20.0, 20.0, 30.0, 30.0]]])
    scores = torch.tensor([[1.0, 0.0, -1.0]])
    assert predicted_iou(scores).tolist() == [[1.0, 0.5, 0.0]]
    assert sisd_loss(scores, proposals, box) == 0


def test_no_object_costs_nothing():
    scores = torch.zeros(0, 5, requires_grad=True)
    loss = sisd_loss(scores, torch.zeros(0, 5, 4), torch.zeros(0, 4))
    loss.backward()
    assert loss == 0


def test_objects_count_by_their_weight():
    scores = torch.tensor([[0.2, 0.4], [0.1, 0.9]])
    proposals = torch.tensor([[[0.0, 0, 10, 10], [0, 0, 10, 5]]] * 2)
    boxes = torch.tensor([[0.0, 0, 10, 10], [2, 2, 12, 12]])
    one, two = (sisd_loss(scores[rows], proposals[rows], boxes[rows]) for rows in (slice(0, 1), slice(1, 2)))
    weighted = sisd_loss(scores, proposals, boxes, torch.tensor([3.0, 1.0]))
    assert weighted.item() == pytest.approx((3 * one + two).item() / 2)
