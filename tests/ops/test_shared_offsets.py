"""What boxes have in common, measured on trusted ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.box_arrays import iou
from ssd_det.ops.shared_offsets import corrected, measure_offsets

IMAGE = (1000.0, 1200.0)


def boxes(count, seed=0):
    random = np.random.default_rng(seed)
    low, size = random.uniform(200, 600, (count, 2)), random.uniform(20, 150, (count, 2))
    return np.concatenate([low, low + size], axis=1)


def scaled(true, factor):
    centre, half = (true[:, :2] + true[:, 2:]) / 2, (true[:, 2:] - true[:, :2]) / 2 * np.asarray(factor)
    return np.concatenate([centre - half, centre + half], axis=1)


def sizes(count, image=IMAGE):
    return np.tile(np.array(image), (count, 1))


def measure(noisy, true, categories=None, count=1):
    categories = np.zeros(len(noisy), dtype=np.int64) if categories is None else categories
    return measure_offsets(noisy, true, sizes(len(noisy)), categories, count)


@given(st.floats(0.5, 1.6), st.floats(0.5, 1.6), st.integers(3, 30), st.integers(0, 99))
def test_boxes_that_are_all_scaled_alike_are_corrected_exactly(width, height, count, seed):
    true = boxes(count, seed)
    noisy = scaled(true, (width, height))
    offsets = measure(noisy, true)
    assert np.allclose(corrected(noisy, offsets.certain[np.zeros(count, int)], sizes(count)), true, atol=1e-3)


def test_the_interval_holds_what_is_shared_about_as_often_as_it_says():
    held = []
    for seed in range(200):
        random = np.random.default_rng(seed)
        true = boxes(12, seed)
        noisy = scaled(true, 1.25) + random.normal(0, 4, true.shape)
        offsets = measure(noisy, true)
        held.append(np.abs(offsets.sides - np.array([[0.1, 0.1, -0.1, -0.1]])) < offsets.margins)
    assert 0.85 < np.mean(held) < 0.99


def test_ten_boxes_without_anything_in_common_correct_hardly_ever():
    found = []
    for seed in range(100):
        true = boxes(10, seed)
        noisy = true + np.random.default_rng(seed).normal(0, 8, true.shape)
        found.append(measure(noisy, true).certain != 0)
    assert np.mean(found) < 0.12


def test_a_wrong_trusted_box_does_not_decide():
    true = boxes(15)
    noisy = scaled(true, 0.8) + np.random.default_rng(0).normal(0, 1, true.shape)
    wrong = true.copy()
    wrong[0] += 5000
    assert np.abs(measure(noisy, wrong).sides - measure(noisy, true).sides).max() < 0.03


def test_a_category_goes_its_own_way_where_it_has_boxes_and_the_common_way_where_it_has_none():
    true = boxes(40)
    categories = np.arange(40) % 2
    noisy = np.where(categories[:, None] == 0, scaled(true, 0.8), scaled(true, 1.25))
    noisy += np.random.default_rng(0).normal(0, 0.5, true.shape)
    offsets = measure(noisy, true, categories, 3)
    assert np.allclose(offsets.sides[0], [-0.125, -0.125, 0.125, 0.125], atol=0.02)
    assert np.allclose(offsets.sides[1], [0.1, 0.1, -0.1, -0.1], atol=0.02)
    assert np.allclose(offsets.sides[2], offsets.sides[:2].mean(axis=0), atol=0.02)
    assert not offsets.certain[2].any(), "two categories that differ tell nothing of a third"
    assert offsets.counts.tolist() == [20, 20, 0]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_boxes_say_nothing(count):
    true = boxes(count)
    assert not measure(scaled(true, 0.8), true).certain.any()


def test_a_side_at_the_border_of_its_image_tells_nothing_and_stays():
    true = boxes(8)
    noisy = scaled(true, 1.25)
    true[:4, 0], noisy[:4, 0] = 0, 0
    offsets = measure(noisy, true)
    assert offsets.sides[0, 0] == pytest.approx(0.1, abs=0.01), "of the four others"
    after = corrected(noisy, offsets.certain[np.zeros(8, int)], sizes(8))
    assert (after[:4, 0] == 0).all()
    assert np.allclose(after[4:, 0], true[4:, 0])


@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4), st.integers(0, 99))
def test_corrected_boxes_have_an_area_and_stay_in_their_image(offsets, seed):
    noisy = boxes(5, seed)
    after = corrected(noisy, np.tile(offsets, (5, 1)), sizes(5, (700, 650)))
    assert (after[:, 2:] > after[:, :2]).all()
    assert (after >= np.minimum(noisy, 0)).all()
    assert (after <= np.maximum(noisy, [650, 700, 650, 700])).all()
    assert (iou(noisy, noisy) > 0.999).all()
