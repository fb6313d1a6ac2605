import torch
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.blending import blended_unseen, fit_blend
from ssd_det.ops.boxes import displaced, displacement, iou

COUNT = 1000


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def objects(noise, easy, hard, seed=0):
    """Noisy, refined and true boxes, the first signal tells of which the refiner is not sure; half of them are."""
    centre = drawn(seed, COUNT, 2) * 20 + 200
    true = torch.cat([centre - 40, centre + 40], dim=1)
    signals = drawn(seed + 1, COUNT, 3).float()
    is_hard = torch.arange(COUNT) % 4 < 2
    signals[:, 0] = signals[:, 0] * 0.1 + is_hard
    error = torch.where(is_hard, hard, easy)[:, None] * drawn(seed + 2, COUNT, 4)
    return displaced(true, noise * drawn(seed + 3, COUNT, 4)), displaced(true, error), true, signals


def mean_iou(boxes, true):
    return iou(boxes, true).mean().item()


def test_boxes_of_which_the_refiner_is_sure_are_left_and_others_go_back():
    noisy, refined, true, signals = objects(0.1, easy=0.02, hard=0.2)
    other_noisy, other_refined, other_true, other_signals = objects(0.1, easy=0.02, hard=0.2, seed=10)
    between = fit_blend(other_noisy, other_refined, other_true, other_signals)(noisy, refined, signals)
    assert mean_iou(between, true) > max(mean_iou(noisy, true), mean_iou(refined, true)) + 0.05
    is_hard = torch.arange(COUNT) % 4 < 2
    shares = (displacement(refined, between) / displacement(refined, noisy)).median(dim=1).values
    assert shares[~is_hard].mean() < 0.15
    assert shares[is_hard].mean() > 0.6


def test_boxes_that_are_as_wrong_as_the_noisy_ones_meet_these_half_way():
    noisy, refined, true, signals = objects(0.1, easy=0.1, hard=0.1)
    between = fit_blend(noisy, refined, true, signals)(noisy, refined, signals)
    shares = (displacement(refined, between) / displacement(refined, noisy)).median(dim=1).values
    assert 0.4 < shares.mean() < 0.6
    assert mean_iou(between, true) > mean_iou(refined, true) + 0.03


def test_boxes_that_nothing_is_wrong_with_stay():
    noisy, refined, true, signals = objects(0.2, easy=0.0, hard=0.0)
    between = fit_blend(noisy, refined, true, signals)(noisy, refined, signals)
    assert mean_iou(between, true) > 0.98


def test_what_is_said_of_a_box_is_not_learnt_from_it():
    """Chance tells much of few boxes: the fit looks better than it is on these alone."""
    noisy, refined, true, signals = (table[:24] for table in objects(0.1, easy=0.03, hard=0.03))
    signals = drawn(5, 24, 12).float()
    seen = fit_blend(noisy, refined, true, signals)(noisy, refined, signals)
    unseen = blended_unseen(noisy, refined, true, signals)
    assert mean_iou(seen, true) >= mean_iou(refined, true)
    assert mean_iou(unseen, true) < mean_iou(seen, true)


@given(st.integers(0, 2**31 - 1), st.floats(0.01, 0.5), st.floats(0.01, 0.5))
def test_no_box_ends_further_out_than_both(seed, noise, error):
    noisy, refined, true, signals = (table[:60] for table in objects(noise, error, error, seed))
    between = fit_blend(noisy, refined, true, signals)(noisy, refined, signals)
    assert (between >= torch.minimum(noisy, refined)).all()
    assert (between <= torch.maximum(noisy, refined)).all()
    assert (between[:, 2:] > between[:, :2]).all()


def test_equal_boxes_stay_where_they_are():
    _, refined, true, signals = objects(0.1, easy=0.03, hard=0.1)
    assert torch.equal(fit_blend(refined, refined, true, signals)(refined, refined, signals), refined)
