import torch
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.ops.rest_error import clues, fit_rest_error, is_surely_better, without_unseen

COUNT = 200


def boxes(count=COUNT, spread=0.2, seed=0):
    random = torch.Generator().manual_seed(seed)
    corner = 100 + 100 * torch.rand(count, 2, generator=random, dtype=torch.float64)
    size = 50 * (spread * torch.randn(count, 2, generator=random, dtype=torch.float64)).exp()
    return torch.cat([corner, corner + size], dim=1)


def moved(true, deviation, seed=1):
    random = torch.Generator().manual_seed(seed)
    return displaced(true, deviation * torch.randn(len(true), 4, generator=random, dtype=torch.float64))


ONE_CATEGORY = torch.zeros(COUNT, dtype=torch.long)
OWN_GROUPS = torch.arange(COUNT)


def half_way(true, noisy):
    """Boxes that a refiner moved half of the way."""
    return displaced(noisy, displacement(noisy, true) / 2)


def test_boxes_that_went_part_of_the_way_go_on():
    true = boxes()
    noisy = moved(true, 0.2)
    refined = half_way(true, noisy)
    found = clues(noisy, refined, ONE_CATEGORY)
    rest = fit_rest_error(found, refined, true)
    after = rest.without(refined, found)
    assert iou(after, true).mean() > iou(refined, true).mean() + 0.05


def test_sizes_that_are_unusual_for_their_category_become_usual():
    true = boxes(spread=0.02)
    large = torch.arange(COUNT) % 2 == 0
    true[large] = displaced(true[large], torch.tensor([0, 0, 1.0, 1.0]).expand(COUNT // 2, 4).double())
    refined = moved(true, 0.15)
    found = clues(refined, refined, large.long())
    after = fit_rest_error(found, refined, true).without(refined, found)
    before_error, after_error = (displacement(true, b)[:, 2:].square().mean() for b in (refined, after))
    assert after_error < 0.6 * before_error
    mixed = clues(refined, refined, ONE_CATEGORY)
    assert displacement(true, fit_rest_error(mixed, refined, true).without(refined, mixed))[
        :, 2:
    ].square().mean() > 1.3 * (after_error)


def test_a_category_of_few_boxes_has_no_usual_size():
    true = boxes(19)
    found = clues(true, true, torch.zeros(19, dtype=torch.long))
    assert not found.along[:, :, 3:].any()


@given(st.integers(0, 1000), st.floats(0, 0.3))
def test_boxes_without_an_error_stay(seed, deviation):
    true = boxes(30, seed=seed)
    found = clues(moved(true, deviation, seed), true, torch.zeros(30, dtype=torch.long))
    after = fit_rest_error(found, true, true).without(true, found)
    assert torch.allclose(after, true, atol=1e-9)


def test_few_boxes_change_little():
    true = boxes()
    noisy = moved(true, 0.2)
    refined = half_way(true, noisy)
    found = clues(noisy, refined, ONE_CATEGORY)
    moves = [
        displacement(refined, fit_rest_error(found.rows(part), refined[part], true[part]).without(refined, found))
        for part in (torch.arange(5), torch.arange(COUNT))
    ]
    assert moves[0].abs().mean() < 0.3 * moves[1].abs().mean()


def test_no_box_is_corrected_by_its_own_group():
    true = boxes()
    noisy = moved(true, 0.2)
    refined = half_way(true, noisy)
    groups = torch.arange(COUNT) // 40
    found = clues(noisy, refined, ONE_CATEGORY)
    first = without_unseen(found, refined, true, groups)
    true[:40] = moved(true[:40], 0.3, seed=5)
    second = without_unseen(found, refined, true, groups)
    assert torch.equal(first[:40], second[:40])
    assert not torch.equal(first[40:], second[40:])


def test_what_is_better_by_chance_is_not_surely_better():
    true = boxes()
    assert is_surely_better(moved(true, 0.05), moved(true, 0.1, seed=2), true, OWN_GROUPS)
    assert not is_surely_better(moved(true, 0.1), moved(true, 0.1, seed=2), true, OWN_GROUPS)
    assert not is_surely_better(true, true, true, OWN_GROUPS)


def test_the_boxes_of_a_group_may_all_gain_by_one_cause():
    true = boxes()
    better = moved(true, 0.1)
    better[:60] = true[:60]  # of one image of five
    groups = torch.cat([torch.zeros(60, dtype=torch.long), 1 + torch.arange(COUNT - 60) % 4])
    assert is_surely_better(better, moved(true, 0.1), true, OWN_GROUPS)
    assert not is_surely_better(better, moved(true, 0.1), true, groups)
    assert not is_surely_better(better, moved(true, 0.1), true, torch.zeros(COUNT, dtype=torch.long))


def test_a_category_has_an_error_of_its_own_as_far_as_it_is_known():
    true = boxes()
    few = torch.arange(COUNT) < 4
    half = torch.arange(COUNT) >= COUNT // 2
    categories = 7 * half.long() + 3 * few.long()
    move = torch.tensor([0.2, 0, 0, 0], dtype=torch.float64)
    refined = torch.where((half | few)[:, None], displaced(true, -move.expand(COUNT, 4)), true)
    found = clues(refined, refined, categories)
    after = fit_rest_error(found, refined, true).without(refined, found)
    gone = displacement(refined, after)[:, 0]
    assert gone[half].mean() > 0.1
    assert gone[half].mean() > gone[~half & ~few].mean() + 0.05
    assert gone[few].mean() < gone[half].mean() - 0.04, "four boxes say little"
