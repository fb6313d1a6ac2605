import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.models.signals import BOX_SIGNALS, EVIDENCE, MOVE_SIGNALS, PASS_SIGNALS, SIGNALS, box_signals, pass_signals
from tests.models.test_refiner_head import make_features, make_head, make_objects


def test_a_pass_tells_of_every_object():
    objects = make_objects()
    for settings in ({}, {"use_sisd": False}, {"use_stage2": False}):
        output = make_head(**settings)(make_features(), objects)
        found = pass_signals(output, objects)
        assert found.shape == (len(objects.boxes), len(PASS_SIGNALS))
        assert found.isfinite().all()
        assert_close(found[:, PASS_SIGNALS.index("omega")], output.omega)
        assert not found.requires_grad


def test_a_box_is_judged_by_its_move_and_its_rivals():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [20, 0, 30, 10]])
    objects = Objects(boxes, torch.tensor([0, 0, 1]), torch.tensor([0, 0, 0]), torch.tensor([[40.0, 40.0]]))
    refined = torch.tensor([[20.0, 0, 30, 10], [20, 0, 30, 10], [20, 0, 40, 10]])
    found = dict(zip((*BOX_SIGNALS, *MOVE_SIGNALS), box_signals(refined, torch.ones(3), objects).T, strict=True))
    assert_close(found["crowding"], torch.tensor([1.0, 0.0, 0.0]))
    assert_close(found["overlap"], torch.tensor([0.0, 1.0, 0.5]))
    assert_close(found["shift"], torch.tensor([2.0, 0.0, 0.5]))
    assert_close(found["resizing"], torch.tensor([0.0, 0.0, 2.0]).log().clamp(min=0))


def test_nothing_refined_tells_nothing():
    empty = make_objects(())
    assert box_signals(empty.boxes, empty.boxes[:, 0], empty).shape == (0, 6)
    assert len(SIGNALS) == 12
    assert SIGNALS[EVIDENCE:] == MOVE_SIGNALS


def test_a_refined_box_without_area_has_finite_signals():
    boxes = torch.tensor([[0.0, 0, 10, 10]])
    objects = Objects(boxes, torch.tensor([0]), torch.tensor([0]), torch.tensor([[40.0, 40.0]]))
    assert box_signals(torch.tensor([[5.0, 5, 5, 9]]), torch.ones(1), objects).isfinite().all()
