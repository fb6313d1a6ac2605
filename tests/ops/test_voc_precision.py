import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.voc_precision import voc_average_precision, voc_matches


def test_the_area_of_a_curve_computed_by_hand():
    scores = np.array([0.9, 0.8, 0.7, 0.6])
    correct = np.array([True, False, True, False])
    # recalls 1/3, 1/3, 2/3, 2/3 at precisions 1, 1/2, 2/3, 1/2: two steps of 1/3, under 1 and under 2/3
    assert voc_average_precision(scores, correct, 3) == pytest.approx((1 + 2 / 3) / 3)


def test_nothing_found_is_0_and_everything_found_is_1():
    assert voc_average_precision(np.zeros(0), np.zeros(0, dtype=bool), 2) == 0
    assert voc_average_precision(np.array([0.2, 0.9]), np.array([True, True]), 2) == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=20), st.integers(0, 5))
def test_precision_lies_between_0_and_1_and_false_alarms_at_the_end_change_nothing(detections, missed):
    scores, correct = (np.array(values) for values in zip(*detections, strict=True))
    objects = int(correct.sum()) + missed
    if not objects:
        return
    value = voc_average_precision(scores, correct, objects)
    assert 0 <= value <= 1
    more = voc_average_precision(np.append(scores, -1.0), np.append(correct, False), objects)
    assert more == pytest.approx(value)


def test_the_claim_with_the_highest_score_is_the_hit():
    overlaps = np.array([[0.6, 0.1], [0.9, 0.0], [0.2, 0.7], [0.3, 0.4]])
    scores = np.array([0.8, 0.5, 0.4, 0.9])
    correct, counted = voc_matches(overlaps, scores, np.array([False, False]))
    assert correct.tolist() == [True, False, True, False]
    assert counted.all()


def test_a_detection_claims_only_the_object_it_overlaps_most():
    overlaps = np.array([[0.9, 0.6], [0.8, 0.7]])
    assert voc_matches(overlaps, np.array([0.9, 0.8]), np.array([False, False]))[0].tolist() == [True, False]


def test_a_detection_that_claims_a_difficult_object_does_not_count():
    overlaps = np.array([[0.9, 0.6], [0.8, 0.1], [0.3, 0.1], [0.1, 0.7]])
    correct, counted = voc_matches(overlaps, np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False]))
    assert correct.tolist() == [False, False, False, True]
    assert counted.tolist() == [False, False, True, True]


def test_an_image_without_objects_has_no_hits():
    correct, counted = voc_matches(np.zeros((2, 0)), np.array([0.5, 0.4]), np.zeros(0, dtype=bool))
    assert correct.tolist() == [False, False]
    assert counted.tolist() == [True, True]
