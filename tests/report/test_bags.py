"""What the bags of a pass hold, and their figure."""

import json

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ssd_det.errors import InputError
from ssd_det.ops.boxes import iou
from ssd_det.report.bag_figure import LABELS, bag_figure, shares_reaching
from ssd_det.report.bags import bag_overlaps, overlaps
from ssd_det.report.figures import figures
from tests.models.test_refiner_head import draws, make_features, make_head, make_objects


@pytest.mark.parametrize("use_stage2", [True, False])
def test_best_chosen_and_merged_are_told_apart(use_stage2):
    head, objects = make_head(use_stage2=use_stage2), make_objects()
    output = head(make_features(), objects, draws())
    true = objects.boxes + 3
    found = overlaps(output, objects.boxes, true)
    bags = {"a": output.bag_a, "b": output.bag_b}
    if use_stage2:
        bags["c"] = output.stage_two.proposals
    assert [name for name in found if name.startswith("best")] == [f"best_of_{bag}" for bag in bags]
    for name, bag in bags.items():
        expected = [
            max(iou(proposal, box).item() for proposal in proposals) for proposals, box in zip(bag, true, strict=True)
        ]
        assert found[f"best_of_{name}"].tolist() == pytest.approx(expected)
    last = list(bags.values())[-1]
    heaviest = output.merged.members.gather(1, output.merged.weights.argmax(dim=1, keepdim=True)).squeeze(1)
    assert_close(found["chosen"], iou(last[torch.arange(len(last)), heaviest], true))
    assert (found["chosen"] <= found[f"best_of_{list(bags)[-1]}"] + 1e-6).all()
    assert_close(found["merged"], iou(output.refined, true))
    assert_close(found["before"], iou(objects.boxes, true))


def test_shares_fall_from_all_to_those_that_reach_the_level():
    levels = np.array([0.0, 0.5, 0.6, 1.0])
    assert shares_reaching([0.2, 0.5, 0.7, 0.9], levels).tolist() == [1.0, 0.75, 0.5, 0.0]


def test_the_figure_shows_each_bag_and_what_is_made_of_the_last():
    found = {name: [0.25, 0.75] for name in LABELS}
    left, right = bag_figure(found).axes
    assert [line.get_label() for line in left.lines] == [
        "box before refining, mean 0.500",
        "best of the sampled bag, mean 0.500",
        "best of the bag that SPSD moved, mean 0.500",
        "best of the bag of stage II, mean 0.500",
    ]
    assert [line.get_label().partition(",")[0] for line in right.lines] == [
        LABELS[name] for name in ("before", "best_of_c", "chosen", "merged")
    ]
    assert right.lines[0].get_ydata()[50] == 0.5
    del found["best_of_c"]
    assert bag_figure(found).axes[1].lines[1].get_label().startswith(LABELS["best_of_b"])


def test_a_run_without_refined_boxes_is_refused(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"current": ["refiner"]}))
    with pytest.raises(InputError, match="has no refined boxes yet: let the pipeline finish"):
        bag_overlaps(tmp_path)


def test_where_nothing_is_known_nothing_is_drawn():
    assert figures(None, {}, {"noisy": None}, None) == {}
