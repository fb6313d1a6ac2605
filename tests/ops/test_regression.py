import pytest
import torch

from ssd_det.ops.regression import minimum, standardised


def test_values_are_brought_to_one_scale():
    values = torch.tensor([[1.0, 7], [3, 7], [1000, 7]]).double()
    found = standardised(values, torch.tensor([2.0, 7]).double(), torch.tensor([1.0, 0]).double())
    assert found.tolist() == [[-1, 0, 1], [1, 0, 1], [4, 0, 1]]


def test_all_weights_but_the_last_are_kept_small():
    wanted = torch.tensor([2.0, 2.0]).double()
    found = minimum(lambda weights: (weights - wanted).square().sum(), torch.zeros(2).double(), shrinkage=1.0)
    assert found.tolist() == pytest.approx([1, 2], abs=1e-4)


def test_weights_may_have_several_columns_and_where_they_begin_is_left_alone():
    start = torch.ones(3, 2).double()
    found = minimum(lambda weights: (weights - 5).square().sum(), start, shrinkage=0.0)
    assert found.flatten().tolist() == pytest.approx([5] * 6, abs=1e-4)
    assert torch.equal(start, torch.ones(3, 2).double())
