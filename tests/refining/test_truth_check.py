import pytest
import torch

from ssd_det.refining.truth_check import check_expected, wilson_interval


def test_the_interval_is_wilsons():
    assert wilson_interval(10, 50) == pytest.approx((0.1124, 0.3304), abs=1e-4)
    assert wilson_interval(0, 10)[0] == 0


def test_it_says_in_one_sentence_whether_the_rehearsal_was_right():
    closer = torch.arange(50) % 5 == 0
    wrong, right = (check_expected(closer, torch.full((50,), value)) for value in (0.93, 0.25))
    assert wrong.sentence == (
        "Refining brings 20% of 50 trusted objects closer to the truth (95% interval 11% to 33%); the rehearsal had "
        "said 93%, so that the scores follow the trusted boxes."
    )
    assert right.sentence.endswith("(95% interval 11% to 33%), as the rehearsal had said (25%).")
    assert (wrong.contradicts, right.contradicts) == (True, False)
