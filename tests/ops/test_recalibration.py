import pytest
import torch

from ssd_det.ops.recalibration import fit_recalibration, recalibrated_unseen


def outcomes(count, share, seed=0):
    return torch.rand(count, generator=torch.Generator().manual_seed(seed)) < share


def moves(count, seed=1):
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def said(count, value=0.9):
    return torch.full((count,), value, dtype=torch.float64)


def test_outcomes_that_agree_change_little():
    score = said(40)
    happened = torch.arange(40) % 10 != 0
    assert fit_recalibration(score, moves(40), happened)(score, moves(40)).sub(0.9).abs().mean() < 0.02


def test_many_that_contradict_decide():
    score, happened = said(60), torch.arange(60) % 5 == 0
    fitted = fit_recalibration(score, moves(60), happened)
    assert fitted(score, torch.zeros(60, 4, dtype=torch.float64)).mean() == pytest.approx(0.2, abs=0.06)
    few = fit_recalibration(score[:2], moves(60)[:2], happened[1:3])
    assert few(score, torch.zeros(60, 4, dtype=torch.float64)).mean() > 0.5


def test_it_learns_which_way_boxes_should_go():
    went = moves(80)
    score, happened = said(80, 0.5), went[:, 2] > 0
    fitted = fit_recalibration(score, went, happened)
    assert fitted.directions[2] > 3 * fitted.directions[[0, 1, 3]].abs().max()
    assert fitted(score, went)[happened].min() > fitted(score, went)[~happened].max()
    assert fitted.slope > 0


def test_no_outcome_decides_on_itself():
    score, went = said(30), moves(30)
    happened = outcomes(30, 0.5)
    other = happened.clone()
    other[7] = ~other[7]
    first, second = (recalibrated_unseen(score, went, result) for result in (happened, other))
    same_fold = torch.arange(30) % 10 == 7
    assert torch.equal(first[same_fold][0], second[same_fold][0]) is True
    assert not torch.equal(first, second)
