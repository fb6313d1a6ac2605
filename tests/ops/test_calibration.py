import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.calibration import (
    Response,
    best_threshold,
    fit_probability,
    no_response,
    own_variance,
    relative_variance,
    response_to,
    typical_noise,
)


def normal(*size, seed=0):
    return torch.randn(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def uniform(*size, seed=0):
    """Noise of the protocol, with a standard deviation of 1."""
    drawn = torch.rand(*size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return 3**0.5 * (2 * drawn - 1)


def test_the_variance_is_estimated_from_evidence():
    evidence = normal(4000, 3)
    deviation = (0.5 * evidence[:, :1]).exp()
    found = relative_variance(0.1 * deviation * normal(4000, 4, seed=1), evidence)
    assert found.mean() == pytest.approx(1)
    expected = deviation[:, 0] ** 2
    ratio = (found / (expected / expected.mean())).log()
    assert ratio.std() < 0.2
    assert torch.corrcoef(torch.stack([found.log(), expected.log()]))[0, 1] > 0.97


def test_meaningless_evidence_gives_equal_variances():
    found = relative_variance(normal(4000, 4), normal(4000, 2, seed=1))
    assert_close(found, torch.ones_like(found), rtol=0.15, atol=0)
    assert_close(relative_variance(normal(50, 4), torch.ones(50, 1, dtype=torch.float64)), torch.ones(50).double())


def test_the_variance_of_the_refiners_error_is_what_noise_and_scatter_leave():
    """Also where the response was measured with more noise, which scatters boxes more."""
    noise, seen, scatter = normal(20000, 4), 0.1 * normal(20000, 4, seed=1), 0.25 * normal(20000, 4, seed=2)
    response = response_to(0.3 * noise, 0.3 * (0.3 * noise + scatter))
    assert_close(response.slope, torch.full((4,), 0.3).double(), rtol=0, atol=0.01)
    refined = seen + 0.3 * (0.2 * noise - seen) + 0.2 * scatter
    found = own_variance(0.2 * noise - refined, torch.ones(20000).double(), 0.2, response)
    assert_close(found[0], torch.full((4,), 0.01).double(), rtol=0.1, atol=0)


def test_residuals_that_noise_explains_leave_no_error():
    assert not own_variance(0.1 * normal(100, 4), torch.ones(100).double(), 0.2, no_response()).any()


def test_most_objects_show_how_large_the_noise_is():
    wild = torch.rand(20000, 4, generator=torch.Generator().manual_seed(1)) < 0.2
    residuals = 0.2 * uniform(20000, 4) - 0.6 * normal(20000, 4, seed=2) * wild
    everything = torch.ones_like(wild)
    assert residuals.std() > 0.3
    assert typical_noise(residuals, no_response(), everything) == pytest.approx(0.2, abs=0.03)
    assert typical_noise(0.8 * residuals, Response(*torch.tensor([[0.2] * 4, [0.0] * 4]).double()), everything) == (
        pytest.approx(typical_noise(residuals, no_response(), everything))
    )


def test_normal_noise_seems_smaller_by_a_sixth_at_most():
    residuals = 0.2 * normal(20000, 4)
    everything = torch.ones_like(residuals, dtype=torch.bool)
    assert 0.165 < typical_noise(residuals, no_response(), everything) < 0.17


def test_the_more_noise_scatters_boxes_the_less_noise_explains_residuals():
    residuals, everything = 0.1 * normal(100, 4), torch.ones(100, 4).bool()
    noise = [
        typical_noise(residuals, Response(torch.zeros(4).double(), torch.full((4,), share).double()), everything)
        for share in (0.0, 3.0)
    ]
    assert noise[1] == pytest.approx(noise[0] / 2)


def test_residuals_that_borders_cut_off_do_not_lower_the_noise():
    noise = 0.2 * uniform(20000, 4)
    cut = torch.arange(20000) % 2 == 0
    residuals = torch.where(cut[:, None], 0.1 * noise, noise)
    whole = (~cut)[:, None].expand(-1, 4)
    everything = torch.ones_like(whole)
    assert typical_noise(residuals, no_response(), whole) == pytest.approx(0.2, abs=0.01)
    assert typical_noise(residuals, no_response(), everything) < 0.15
    few = whole & (torch.arange(20000) < 30)[:, None]
    assert typical_noise(residuals, no_response(), few) == typical_noise(residuals, no_response(), everything)


def test_an_axis_without_objects_that_count_tells_nothing():
    counted = torch.tensor([True, False, True, False]).expand(100, 4)
    residuals = torch.tensor([0.2, 9.0, 0.2, 9.0]).double().expand(100, 4)
    assert typical_noise(residuals, no_response(), counted) == pytest.approx(0.2 * 0.75**0.5)


def test_a_response_is_a_share():
    moves = normal(100, 4)
    assert_close(response_to(moves, -moves).slope, torch.zeros(4).double())
    assert_close(response_to(moves, 2 * moves).slope, torch.full((4,), 0.9).double())
    assert response_to(moves[:0], moves[:0]).slope.isfinite().all()
    assert isinstance(no_response(), Response)


def test_a_probability_is_learnt():
    signals = torch.cat([normal(6000, 1), normal(6000, 1, seed=1)], dim=1)
    true = (2 * signals[:, 0]).sigmoid()
    better = torch.rand(6000, generator=torch.Generator().manual_seed(2)) < true
    found = fit_probability(signals, better)(signals)
    assert (found - true).abs().mean() < 0.03


@pytest.mark.parametrize("happened", [True, False])
def test_outcomes_that_are_all_equal_are_certain(happened):
    signals = normal(100, 3)
    found = fit_probability(signals, torch.full((100,), happened))(signals)
    assert ((found > 0.5) == happened).all()
    assert (found - float(happened)).abs().max() < 0.1


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3))
def test_probabilities_lie_between_0_and_1_for_any_signals(values):
    probability = fit_probability(normal(100, 3), normal(100) > 0)
    found = probability(torch.tensor([values], dtype=torch.float64))
    assert 0 <= found.item() <= 1


def test_the_threshold_is_where_the_gains_are_highest():
    probabilities = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.2])
    assert best_threshold(probabilities, torch.tensor([0.1, 0.1, -0.05, 0.2, -0.1])) == pytest.approx(0.6)
    assert best_threshold(probabilities, torch.tensor([0.1, 0.1, -0.05, -0.2, -0.1])) == pytest.approx(0.8)
    assert best_threshold(probabilities, torch.full((5,), 0.1)) == 0.5
    assert best_threshold(probabilities, torch.full((5,), -0.1)) == 1.0
    assert best_threshold(probabilities[:0], torch.zeros(0)) == 1.0
