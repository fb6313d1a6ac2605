import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.random_effects import Grouping, own_means

GROUPS = Grouping(torch.arange(4000) % 100, 100)


def drawn(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(st.integers(0, 2**31 - 1), st.sampled_from([0.5, 2.0]), st.floats(-10, 10))
def test_means_that_differ_are_found_beside_that_of_all(seed, spread, shared):
    own = drawn(seed, 100) * spread
    found = own_means(drawn(seed + 1, 4000) + own[GROUPS.numbers] + shared, GROUPS)
    assert (found - (own - own.mean())).square().mean() < 0.05


@given(st.integers(0, 2**31 - 1))
def test_chance_is_left_out(seed):
    assert own_means(drawn(seed, 4000), GROUPS).square().mean() < 1 / 40 / 4


def test_groups_of_few_are_drawn_towards_the_usual_one():
    numbers = torch.cat([GROUPS.numbers, torch.tensor([100])])
    own = drawn(0, 100)
    values = torch.cat([drawn(1, 4000) + own[GROUPS.numbers], torch.tensor([5.0]).double()])
    found = own_means(values, Grouping(numbers, 102))
    assert 0 <= found[100] < 2.5  # of one value
    assert_close(found[101], torch.zeros((), dtype=torch.float64), rtol=0, atol=0.2)  # of none


def test_one_group_and_groups_of_one_tell_nothing():
    values = drawn(0, 10)
    assert not own_means(values, Grouping(torch.zeros(10, dtype=torch.long), 1)).any()
    assert not own_means(values, Grouping(torch.arange(10), 10)).any()
    assert own_means(values[:0], Grouping(torch.zeros(0, dtype=torch.long), 2)).tolist() == [0, 0]


def test_the_groups_of_some_objects():
    some = GROUPS.of(torch.tensor([5, 105, 7]))
    assert some.numbers.tolist() == [5, 5, 7]
    assert some.count == 100
