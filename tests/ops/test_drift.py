import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.boxes import clip, displaced, displacement, iou
from ssd_det.ops.drift import Drift, expected_noise, measure_drift, without_drift
from ssd_det.ops.random_effects import Grouping

COUNT = 4000
TOGETHER = Grouping(
    torch.zeros(COUNT, dtype=torch.long), 1
)  # all of a category, and in images of which nothing is known
SIZES = torch.tensor([[1000.0, 1000.0]], dtype=torch.float64).expand(COUNT, 2)
WIDE = torch.tensor([[600.0, 1000.0]], dtype=torch.float64).expand(COUNT, 2)


def boxes_at(low, high, side, generator):
    """Boxes with centres between low and high."""
    centres = torch.rand(COUNT, 2, generator=generator, dtype=torch.float64) * (high - low) + low
    return torch.cat([centres - side / 2, centres + side / 2], dim=1)


def with_noise(boxes, level, generator, sizes=SIZES):
    """The published protocol: centres and sizes are off by shares uniform in [-level, level]."""
    noise = (torch.rand(COUNT, 4, generator=generator, dtype=torch.float64) * 2 - 1) * level
    noise[:, 2:] = (1 + noise[:, 2:]).log()
    return clip(displaced(boxes, noise), sizes)


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
    drift = measure_drift(with_noise(true, level, generator), refined, SIZES, TOGETHER, TOGETHER, level)
    left = displacement(true, without_drift(refined, drift, SIZES, TOGETHER, TOGETHER)).mean(dim=0)
    assert_close(left, torch.zeros(4, dtype=torch.float64), rtol=0, atol=0.025)


def test_boxes_that_were_cut_off_at_the_border_do_not_make_the_others_smaller():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 700.0, generator), SIZES)
    noisy = with_noise(true, 0.4, generator)
    assert displacement(true, noisy)[:, 2:].mean() < -0.1
    drift = measure_drift(noisy, true, SIZES, TOGETHER, TOGETHER, 0.4)
    assert iou(without_drift(true, drift, SIZES, TOGETHER, TOGETHER), true).mean() > 0.96


def test_boxes_at_the_border_lose_what_all_boxes_are_off_by():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 700.0, generator), SIZES)
    small = displaced(true, torch.tensor([0.0, 0, -0.1, -0.1], dtype=torch.float64).expand(COUNT, 4))
    drift = measure_drift(with_noise(true, 0.4, generator), small, SIZES, TOGETHER, TOGETHER, 0.4)
    left = displacement(true, without_drift(small, drift, SIZES, TOGETHER, TOGETHER)).mean(dim=0)
    assert_close(left, torch.zeros(4, dtype=torch.float64), rtol=0, atol=0.03)
    assert iou(without_drift(small, drift, SIZES, TOGETHER, TOGETHER), true).mean() > iou(small, true).mean() + 0.05


def test_a_refiner_that_has_learnt_how_boxes_are_cut_off_gives_whole_ones():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 400.0, generator), SIZES)
    learnt = expected_noise(true, SIZES, 0.4)
    refined = displaced(true, learnt * torch.tensor([0.0, 0, 1, 1]))
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, TOGETHER, TOGETHER, 0.4)
    assert drift.followed[2:].min() > 0.6
    left = displacement(true, without_drift(refined, drift, SIZES, TOGETHER, TOGETHER))
    at_border = learnt[:, 2:] < -0.1
    assert displacement(true, refined)[:, 2:][at_border].mean() < -0.13
    assert left[:, 2:][at_border].mean().abs() < 0.04


def test_below_the_least_level_nothing_was_learnt_of_cutting_off():
    """Clean boxes look like a little noise, and as if the refiner expected to be cut off."""
    true = clip(boxes_at(0, 1000, 400.0, torch.Generator().manual_seed(0)), SIZES)
    drift = measure_drift(true, true, SIZES, TOGETHER, TOGETHER, 0.1)
    assert not drift.followed.any()
    assert measure_drift(true, true, SIZES, TOGETHER, TOGETHER, 0.13).followed[2:].min() > 0.6


def test_a_refiner_that_has_not_learnt_it_is_left_alone():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 400.0, generator), SIZES)
    drift = measure_drift(with_noise(true, 0.4, generator), true, SIZES, TOGETHER, TOGETHER, 0.4)
    assert drift.followed.max() < 0.2


@given(
    st.sampled_from([0.05, 0.2, 0.4]),
    st.sampled_from([100.0, 400.0]),
    st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 2),
    st.integers(0, 2**31 - 1),
)
def test_noise_that_is_cut_off_is_expected_as_it_turns_out(level, side, place, seed):
    """In a corner, along one border or in the middle of an image that is wider than high."""
    generator = torch.Generator().manual_seed(seed)
    low = torch.tensor(place, dtype=torch.float64) * (WIDE[0].flip(0) - side)
    true = torch.cat([low, low + side]).expand(COUNT, 4)
    seen = displacement(true, with_noise(true, level, generator, WIDE)).clamp(-1, 1)
    expected = expected_noise(true[:1], WIDE[:1], level)[0]
    chance = 6 * seen.std(dim=0) / COUNT**0.5
    assert ((expected - seen.mean(dim=0)).abs() <= chance + 0.01 * level).all()
    for axis in (0, 1):
        at_border = {0.0: 1, 0.5: 0, 1.0: -1}[place[axis]]
        assert expected[axis].sign() * (expected[axis].abs() > level / 10) == at_border


def test_boxes_that_no_noise_leads_over_a_border_follow_nothing():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    for size in (-0.1, 0.1):
        refined = displaced(true, torch.tensor([0.0, 0, size, size], dtype=torch.float64).expand(COUNT, 4))
        drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, TOGETHER, TOGETHER, 0.4)
        assert drift.followed.tolist() == [0, 0, 0, 0]


def test_boxes_that_reach_out_of_their_image_are_taken_for_cut_off_ones():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(0, 1000, 100.0, generator)
    noise = displaced(true, torch.tensor([0.0, 0, 0.3, 0.3], dtype=torch.float64).expand(COUNT, 4))
    inside = measure_drift(clip(noise, SIZES), clip(true, SIZES), SIZES, TOGETHER, TOGETHER, 0.1)
    assert torch.equal(measure_drift(noise, clip(true, SIZES), SIZES, TOGETHER, TOGETHER, 0.1).moves, inside.moves)


def test_boxes_without_area_and_boxes_moved_out_of_their_image_spoil_nothing():
    generator = torch.Generator().manual_seed(0)
    true = clip(boxes_at(0, 1000, 300.0, generator), SIZES)
    refined = displaced(true, torch.tensor([-0.9, 0, 0, 0], dtype=torch.float64).expand(COUNT, 4))
    refined[:2] = torch.tensor([[900.0, 100, 999, 200], [0, 100, 4, 200]])  # the way back leads the first one out
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, TOGETHER, TOGETHER, 0.4)
    assert drift.moves.isfinite().all()
    point = torch.tensor([[500.0, 500, 500, 500], [0, 0, 0, 0]], dtype=torch.float64)
    drift = Drift(*[torch.zeros(1, 4).double()] * 2, torch.ones(4).double(), 0.4)
    assert torch.equal(without_drift(point, drift, SIZES[:2], *[TOGETHER.of(torch.arange(2))] * 2), point)


def test_one_box_says_nothing():
    one = torch.tensor([[0.0, 0.0, 100.0, 100.0]], dtype=torch.float64)
    size = torch.tensor([[400.0, 400.0]], dtype=torch.float64)
    assert measure_drift(one, one + 10, size, *[TOGETHER.of(torch.arange(1))] * 2, 0.3).moves.tolist() == [[0, 0, 0, 0]]


def test_boxes_stay_inside_their_images():
    one = torch.tensor([[0.0, 10.0, 100.0, 100.0]], dtype=torch.float64)
    size = torch.tensor([[100.0, 100.0]], dtype=torch.float64)
    drift = measure_drift(one, one, size, *[TOGETHER.of(torch.arange(1))] * 2, 0.4)
    moved = without_drift(one, drift, size, *[TOGETHER.of(torch.arange(1))] * 2)
    assert (moved >= 0).all()
    assert (moved <= 100).all()


def test_what_a_category_alone_is_off_by_is_taken_out_of_it():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    categories = Grouping(torch.arange(COUNT) % 4, 5)
    own = torch.tensor([[0.05, 0, 0, 0], [0, -0.05, 0, 0], [0, 0, 0.1, 0], [0, 0, 0, -0.1]], dtype=torch.float64)
    refined = displaced(true, own[categories.numbers])
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, categories, TOGETHER, 0.4)
    left = displacement(true, without_drift(refined, drift, SIZES, categories, TOGETHER))
    means = torch.stack([left[categories.numbers == number].mean(dim=0) for number in range(4)])
    assert means.abs().max() < 0.03
    assert drift.moves[4].tolist() == pytest.approx(drift.moves[:4].mean(dim=0).tolist(), abs=0.01)  # has no objects


def test_a_category_of_most_objects_is_not_moved_by_the_others():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    categories = Grouping((torch.arange(COUNT) < 100).long(), 2)
    refined = displaced(true, torch.tensor([0.0, 0, 0.3, 0], dtype=torch.float64) * categories.numbers[:, None])
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, categories, TOGETHER, 0.4)
    left = displacement(true, without_drift(refined, drift, SIZES, categories, TOGETHER))
    assert left[categories.numbers == 0].mean(dim=0).abs().max() < 0.02
    assert left[categories.numbers == 1].mean(dim=0).abs().max() < 0.08


@given(st.integers(0, 2**31 - 1))
def test_categories_that_differ_by_chance_are_left_together(seed):
    generator = torch.Generator().manual_seed(seed)
    true = boxes_at(300, 700, 100.0, generator)
    categories = Grouping(torch.arange(COUNT) // 10, 400)
    drift = measure_drift(with_noise(true, 0.4, generator), true, SIZES, categories, TOGETHER, 0.4)
    assert iou(without_drift(true, drift, SIZES, categories, TOGETHER), true).mean() > 0.93


def test_the_size_that_an_image_alone_is_off_by_is_taken_out_of_it():
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    images = Grouping(torch.arange(COUNT) % 100, 101)
    own = torch.zeros(100, 4, dtype=torch.float64)
    own[:, 2:] = torch.randn(100, 2, generator=generator, dtype=torch.float64) * 0.1
    refined = displaced(true, own[images.numbers])
    drift = measure_drift(with_noise(true, 0.4, generator), refined, SIZES, TOGETHER, images, 0.4)
    better = without_drift(refined, drift, SIZES, TOGETHER, images)
    assert iou(refined, true).mean() < 0.89
    assert iou(better, true).mean() > 0.94
    assert drift.image_moves[100].abs().max() < 0.02  # has no objects


def test_an_image_does_not_move_its_boxes_to_one_side():
    """Whoever drew them may have."""
    generator = torch.Generator().manual_seed(0)
    true = boxes_at(300, 700, 100.0, generator)
    images = Grouping(torch.arange(COUNT) % 100, 100)
    shift = torch.randn(100, 1, generator=generator, dtype=torch.float64) * torch.tensor([0.1, 0.1, 0, 0]).double()
    drift = measure_drift(displaced(true, shift[images.numbers]), true, SIZES, TOGETHER, images, 0.2)
    assert not drift.image_moves[:, :2].any()


@given(st.integers(0, 2**31 - 1), st.sampled_from([2, 10, 40]))
def test_images_that_differ_by_chance_are_left_as_they_are(seed, objects):
    generator = torch.Generator().manual_seed(seed)
    true = boxes_at(300, 700, 100.0, generator)
    images = Grouping(torch.arange(COUNT) // objects, COUNT // objects)
    drift = measure_drift(with_noise(true, 0.4, generator), true, SIZES, TOGETHER, images, 0.4)
    assert iou(without_drift(true, drift, SIZES, TOGETHER, images), true).mean() > 0.95


def test_nothing_to_measure_is_no_drift():
    none = torch.zeros(0, 4, dtype=torch.float64)
    sizes, categories = torch.zeros(0, 2, dtype=torch.float64), Grouping(torch.zeros(0, dtype=torch.long), 2)
    drift = measure_drift(none, none, sizes, categories, categories, 0.2)
    assert drift.moves.tolist() == drift.image_moves.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]
    assert without_drift(none, drift, sizes, categories, categories).shape == (0, 4)
