import pytest
import torch

from ssd_det.ops.blending import Blend
from ssd_det.refining.edges import EdgeEvidence
from ssd_det.refining.rehearsal import Calibration, Outcomes
from ssd_det.report.screen_tables import print_calibration


@pytest.mark.parametrize(("passes", "blend"), [(1, None), (2, None), (1, Blend(*[torch.zeros(1)] * 3))])
def test_it_is_said_where_boxes_are_means_of_two_passes_or_go_a_part_of_the_way_back(capsys, passes, blend):
    scores = torch.ones(30, dtype=torch.float64)
    learnt_from = Outcomes(scores, scores, torch.zeros(30, 4))
    print_calibration(None, Calibration(scores, 0.5, 0.3, 30, EdgeEvidence(0.0, 0.0), learnt_from, passes, blend))
    said = capsys.readouterr().out
    assert "level 0.30" in said
    assert "a score of 0.50 on, says a rehearsal on 30 boxes" in said
    assert ("means of two passes" in said) == (passes == 2)
    assert ("a part of the way back" in said) == (blend is not None)
