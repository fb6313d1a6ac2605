import pytest
import torch

from ssd_det.refining.edges import EdgeEvidence
from ssd_det.refining.rehearsal import Calibration, Outcomes
from ssd_det.report.screen_tables import print_calibration


@pytest.mark.parametrize("passes", [1, 2])
def test_it_is_said_where_boxes_are_the_means_of_two_passes(capsys, passes):
    scores = torch.ones(30, dtype=torch.float64)
    learnt_from = Outcomes(scores, scores, torch.zeros(30, 4))
    print_calibration(None, Calibration(scores, 0.5, 0.3, 30, EdgeEvidence(0.0, 0.0), learnt_from, passes))
    said = capsys.readouterr().out
    assert "level 0.30" in said
    assert "a score of 0.50 on, says a rehearsal on 30 boxes" in said
    assert ("means of two passes" in said) == (passes == 2)
