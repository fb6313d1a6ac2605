"""Numbers that are drawn all at once, against those of NumPy's own generators."""

import numpy as np
from hypothesis import given

from ssd_det.annotations.edits.uniform_draws import uniform_draws
from tests.annotations.edits.test_generators import IDS, NONE, NUMBERS, entropy


@given(NUMBERS, IDS)
def test_draws_are_those_of_numpy(seed, ids):
    expected = [np.random.default_rng(entropy(seed, value)).random(4) for value in ids.tolist()]
    np.testing.assert_array_equal(uniform_draws(seed, ids), expected)


def test_many_draws_are_those_of_numpy():
    ids = np.arange(5_000) * 7_919
    expected = [np.random.default_rng([3, value]).random(4) for value in ids.tolist()]
    np.testing.assert_array_equal(uniform_draws(3, ids), expected)


def test_there_may_be_no_ids():
    assert uniform_draws(3, NONE).shape == (0, 4)
