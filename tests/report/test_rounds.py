"""Rounds with a person, judged by the boxes that are trusted in the last of them."""

import pytest

from ssd_det.annotations.coco import parse_coco
from ssd_det.report.rounds import Round, measure_rounds

NOISY, TRUE = [0, 0, 10, 10], [0, 0, 20, 10]
FIRST, SECOND = [0, 0, 16, 10], [0, 0, 18, 10]


def file(entries):
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
        "categories": [{"id": 3, "name": "cat"}],
        "annotations": [
            {"id": number, "image_id": 1, "category_id": 3, **entry} for number, entry in enumerate(entries, start=1)
        ],
    }
    return parse_coco("refined.json", content)


def refined(box):
    return {"bbox": box, "original_bbox": NOISY, "refine_score": 0.9}


def trusted(box, taken=True):
    untrusted = {"bbox": NOISY, "refined_bbox": box, "refine_score": 0.9, "taken": taken}
    return {"bbox": TRUE, "original_bbox": NOISY, "trusted": True, "untrusted": untrusted}


def test_each_round_is_judged_by_what_it_made_of_boxes_that_nobody_had_checked():
    first = file([refined(FIRST), {"bbox": NOISY}, refined(FIRST)])
    second = file([trusted(SECOND), trusted(SECOND, taken=False), refined(SECOND)])
    found = measure_rounds(["round 1", "round 2"], [first, second])
    assert found.judged == 2
    assert found.rounds == (
        Round("before", 0, 0, 0.5),
        Round("round 1", 0, 2, pytest.approx((0.8 + 0.5) / 2)),
        Round("round 2", 2, 1, pytest.approx((0.9 + 0.5) / 2)),
    )


def test_boxes_that_were_trusted_in_the_first_round_count_as_nobody_had_checked_them():
    first = file([trusted(FIRST), refined(FIRST)])
    second = file([trusted(SECOND), trusted(SECOND)])
    found = measure_rounds(["round 1", "round 2"], [first, second])
    assert [one.mean_iou for one in found.rounds] == pytest.approx([0.5, 0.8, 0.9])
    assert [one.trusted for one in found.rounds] == [0, 1, 2]


def test_boxes_of_which_a_round_does_not_know_what_they_would_be_judge_none():
    first = file([{"bbox": TRUE, "trusted": True}, refined(FIRST)])
    second = file([trusted(SECOND), trusted(SECOND)])
    found = measure_rounds(["round 1", "round 2"], [first, second])
    assert found.judged == 1
    assert found.rounds[1].mean_iou == pytest.approx(0.8)
    alone = measure_rounds(["round 1", "round 2"], [first, file([{"bbox": TRUE, "trusted": True}, refined(SECOND)])])
    assert alone.judged == 0
    assert alone.rounds[1].mean_iou is None


def test_a_round_that_is_not_there_any_more_keeps_its_row():
    found = measure_rounds(["round 1", "round 2"], [None, file([trusted(SECOND), refined(SECOND)])])
    assert found.rounds[1] == Round("round 1")
    assert found.rounds[2].mean_iou == pytest.approx(0.9)
