import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.boxes import clip, displaced, displacement, iou
from ssd_det.ops.drift import measure_drift, without_drift

COUNT = 4000
ONE_CATEGORY = torch.zeros(COUNT, dtype=torch.long)
SIZES = torch.tensor([[1000.0, 1000.0]], dtype=torch.float64).expand(COUNT, 2)


def boxes_at(low, high, side, generator):
    """Boxes with centres between low and high."""
    centres = torch.rand(COUNT, 2, generator=generator, dtype=torch.float64) * (high - low) + low
    return torch.cat([centres - side / 2, centres + side / 2], dim=1)


def with_noise(boxes, level, generator):
    """The published protocol: centres and sizes are off by shares uniform in [-level, level]."""
    noise = (torch.rand(COUNT, 4, generator=generator, dtype=torch.float64) * 2 - 1) * level
    noise[:, 2:] = (1 + noise[:, 2:]).log()
    return clip(displaced(boxes, noise), SIZES)


@given(
    st.tuples(*[st.floats(-0.1, 0.1)] * 2),
    st.tuples(*[st.floats(-0.2, 0.2)] * 2),
    st.sampled_from([0.05, 0.2, 0.4]),
    st.integers(0, 2**31 - 1),
)
def test_what_all_boxes_are_off_by_is_taken_out(centre, size, level, seed):
    generator = torch.Generator().manual_seed(seed)
    true = boxes_at(300, 700, 100.0, generator)
    refined = displaced(true, torch.tensor([*centre, *size], dtype=torch.float64).expand(COUNT, 4))
    drift = measure_drift(with_noise(true, level, generator), refined, SIZES, ONE_CATEGORY, 1, level)
    left = displacement(true, without_drift(refined, drift, SIZES, ONE_CATEGORY)).mean(dim=0)
    assert_close(left, torch.zeros(4, dtype=torch.float64), rtol=0, atol=0.025)


def test_boxes_that_were_cut_off_at_the_border_do_not_make_the_others_smaller():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 700.0, generator), SIZES)
    noisy = with_noise(true, 0.4, generator)
    assert displacement(true, noisy)[:, 2:].mean() < -0.1
    drift = measure_drift(noisy, true, SIZES, ONE_CATEGORY, 1, 0.4)
    assert iou(without_drift(true, drift, SIZES, ONE_CATEGORY), true).mean() > 0.96


def test_boxes_of_objects_near_the_border_grow_by_what_logarithms_lose():
    one = torch.tensor([[0.0, 0.0, 100.0, 100.0]], dtype=torch.float64)
    size = torch.tensor([[400.0, 400.0]], dtype=torch.float64)
    drift = measure_drift(one, one, size, ONE_CATEGORY[:1], 1, 0.3)
    assert drift.outer_size.tolist() == [pytest.approx([0.015, 0.015])]
    assert drift.centre.tolist() == [[0, 0]]


def test_boxes_stay_inside_their_images():
    one = torch.tensor([[0.0, 10.0, 100.0, 100.0]], dtype=torch.float64)
    size = torch.tensor([[100.0, 100.0]], dtype=torch.float64)
    drift = measure_drift(one, one, size, ONE_CATEGORY[:1], 1, 0.4)
    moved = without_drift(one, drift, size, ONE_CATEGORY[:1])
    assert (moved >= 0).all()
    assert (moved <= 100).all()


def test_what_a_category_alone_is_off_by_is_taken_out_of_it():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    categories = torch.arange(COUNT) % 4
    own = torch.tensor([[0.05, 0, 0, 0], [0, -0.05, 0, 0], [0, 0, 0.1, 0], [0, 0, 0, -0.1]], dtype=torch.float64)
    refined = displaced(true, own[categories])
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, categories, 5, 0.4)
    left = displacement(true, without_drift(refined, drift, SIZES, categories))
    means = torch.stack([left[categories == number].mean(dim=0) for number in range(4)])
    assert means.abs().max() < 0.03
    assert drift.centre[4].tolist() == pytest.approx(drift.centre[:4].mean(dim=0).tolist(), abs=0.01)  # has no objects


def test_a_category_of_most_objects_is_not_moved_by_the_others():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    categories = (torch.arange(COUNT) < 100).long()
    refined = displaced(true, torch.tensor([0.0, 0, 0.3, 0], dtype=torch.float64) * categories[:, None])
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, categories, 2, 0.4)
    left = displacement(true, without_drift(refined, drift, SIZES, categories))
    assert left[categories == 0].mean(dim=0).abs().max() < 0.02
    assert left[categories == 1].mean(dim=0).abs().max() < 0.08


@given(st.integers(0, 2**31 - 1))
def test_categories_that_differ_by_chance_are_left_together(seed):
    generator = torch.Generator().manual_seed(seed)
    true = boxes_at(300, 700, 100.0, generator)
    categories = torch.arange(COUNT) // 10  # 400 of them
    drift = measure_drift(with_noise(true, 0.4, generator), true, SIZES, categories, 400, 0.4)
    assert iou(without_drift(true, drift, SIZES, categories), true).mean() > 0.93


def test_objects_at_the_borders_grow_as_much_more_as_the_others_of_their_category():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    true[:4] = torch.tensor([0.0, 400, 100, 500], dtype=torch.float64)
    categories = torch.arange(COUNT) % 2
    refined = displaced(true, torch.where(categories == 0, 0.1, -0.1)[:, None] * torch.tensor([0.0, 0, 1, 0]))
    drift = measure_drift(with_noise(true, 0.2, generator), refined, SIZES, categories, 2, 0.2)
    assert (drift.outer_size[1] - drift.outer_size[0]).tolist() == pytest.approx([0.2, 0.0], abs=0.02)


def test_nothing_to_measure_is_no_drift_of_centres():
    none = torch.zeros(0, 4, dtype=torch.float64)
    sizes, categories = torch.zeros(0, 2, dtype=torch.float64), torch.zeros(0, dtype=torch.long)
    drift = measure_drift(none, none, sizes, categories, 2, 0.2)
    assert drift.centre.tolist() == [[0, 0], [0, 0]]
    assert without_drift(none, drift, sizes, categories).shape == (0, 4)
