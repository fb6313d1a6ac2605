import pytest
import torch

from ssd_det.report.reliability import Bin, reliability


def test_scores_that_are_right_on_the_mean_have_no_error():
    scores = torch.tensor([0.25] * 40 + [0.75] * 40)
    happened = torch.tensor([True] * 10 + [False] * 30 + [True] * 30 + [False] * 10)
    measured = reliability(scores, happened)
    assert measured.calibration_error == pytest.approx(0, abs=1e-6)
    assert measured.auc == pytest.approx(0.75)
    assert measured.bins == [Bin(count=40, mean_score=0.25, share=0.25), Bin(count=40, mean_score=0.75, share=0.75)]


def test_overconfidence_is_seen():
    measured = reliability(torch.tensor([1.0, 1.0, 0.95, 0.9]), torch.tensor([True, False, False, False]))
    assert measured.calibration_error == pytest.approx(0.9625 - 0.25)
    assert (measured.count, measured.share, len(measured.bins)) == (4, 0.25, 1)


def test_outcomes_that_do_not_differ_have_no_curve():
    assert reliability(torch.tensor([0.2, 0.4]), torch.tensor([False, False])).auc is None
