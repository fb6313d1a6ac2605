import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.noise_level import best_noise_level, far_from_borders, move_statistics, no_statistics, noise_level
from ssd_det.ops.sampling import neighbours

OBJECT = torch.tensor([100.0, 100.0, 140.0, 160.0])


def statistics(level, slope, count=1500, seed=0):
    """Statistics of a refiner that moves proposals to the object, except for a share ``slope`` of their distance."""
    noise = (2 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed)) - 1) * level
    boxes = OBJECT + (noise * (OBJECT[2:] - OBJECT[:2])).repeat(1, 2)
    bags = neighbours(boxes, (1.0, 1.4, 0.7), (0.3,))
    centres = (bags[..., :2] + bags[..., 2:]) / 2
    to_object = ((OBJECT[:2] + OBJECT[2:]) / 2 - centres).repeat(1, 1, 2)
    return move_statistics(bags, bags + (1 - slope) * to_object, boxes)


@given(st.floats(0.05, 0.6), st.floats(0, 0.9))
def test_the_level_is_estimated_for_any_slope(level, slope):
    assert noise_level(statistics(level, slope)) == pytest.approx(level, rel=0.07)


def test_statistics_of_batches_add_up():
    parts = [statistics(0.3, 0.5, 50, seed) for seed in (1, 2)]
    assert noise_level(no_statistics() + parts[0] + parts[1]) == pytest.approx(0.3, rel=0.2)
    boxes = OBJECT.repeat(3, 1)
    assert_close(move_statistics(boxes[:, None], boxes[:, None], boxes)[0], torch.full((2,), 3.0).double())


def test_few_objects_give_no_estimate():
    assert noise_level(no_statistics()) is None
    assert noise_level(statistics(0.3, 0.5, count=19)) is None


def test_a_refiner_that_moves_nothing_gives_level_0():
    boxes = OBJECT.repeat(30, 1)
    bags = neighbours(boxes, (1.0, 1.4), (0.3,))
    assert noise_level(move_statistics(bags, bags, boxes)) == 0.0


def test_each_axis_counts_by_its_objects():
    many, few = statistics(0.4, 0.5), statistics(0.1, 0.5, count=30, seed=1)
    mixed = torch.stack([many[:, 0], few[:, 1]], dim=1)
    assert noise_level(mixed) == pytest.approx(0.4, rel=0.05)
    one_axis = torch.stack([many[:, 0], no_statistics()[:, 1]], dim=1)
    assert noise_level(one_axis) == pytest.approx(0.4, rel=0.05)


def test_groups_of_objects_are_added_up_apart():
    generator = torch.Generator().manual_seed(0)
    boxes = OBJECT.repeat(30, 1) + torch.rand(30, 4, generator=generator)
    bags = neighbours(boxes, (1.0, 1.4), (0.3,))
    counted = torch.rand(3, 30, 2, generator=generator) < 0.5
    groups = move_statistics(bags, bags + 1, boxes, counted)
    assert groups.shape == (3, 5, 2)
    for group, chosen in zip(groups, counted, strict=True):
        for axis in (0, 1):
            rows = chosen[:, axis]
            alone = move_statistics(bags[rows], bags[rows] + 1, boxes[rows])
            assert_close(group[:, axis], alone[:, axis])


def test_the_best_group_with_enough_objects_tells_the_level():
    few, first, second = statistics(0.1, 0.5, count=10), statistics(0.2, 0.5), statistics(0.4, 0.5)
    assert best_noise_level(torch.stack([few, few, few, first]).view(2, 2, 5, 2)) == noise_level(first)
    assert best_noise_level(torch.stack([few, first, second, second]).view(2, 2, 5, 2)) == noise_level(first)
    assert best_noise_level(torch.stack([few, few, few, few]).view(2, 2, 5, 2)) is None


def test_objects_far_from_borders_tell_how_strong_noise_is_but_not_whether_there_is_any():
    clean, some, strong = statistics(0.05, 0.5), statistics(0.2, 0.5), statistics(0.4, 0.5)
    assert best_noise_level(torch.stack([strong, some])[None]) == noise_level(strong)
    assert best_noise_level(torch.stack([some, strong])[None]) == noise_level(strong)
    assert best_noise_level(torch.stack([some, clean])[None]) == noise_level(clean)


def test_far_from_borders_is_told_for_each_axis():
    boxes = torch.tensor([[50.0, 0, 150, 100], [30.0, 50, 130, 150], [61.0, 61, 161, 161], [150.0, 45, 250, 145]])
    sizes = torch.tensor([[200.0, 200], [200.0, 200], [200.0, 200], [180.0, 300]])
    assert far_from_borders(boxes, sizes).tolist() == [[True, False], [False, True], [False, False], [True, False]]
