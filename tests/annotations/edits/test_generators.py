"""Generators that are seeded all at once, against NumPy's own."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.edits.generators import generators, seeds

NUMBERS = st.integers(0, 9) | st.integers(2**32 - 2, 2**32 + 2) | st.integers(-(2**63), 2**64)
OF_64_BITS = st.integers(0, 9) | st.integers(2**32 - 2, 2**32 + 2) | st.integers(-(2**63), 2**63 - 1)
IDS = st.lists(OF_64_BITS, min_size=1, max_size=6).map(np.array)
NONE = np.zeros(0, dtype=np.int64)


def entropy(seed, value):
    return [seed % 2**64, value % 2**64]


@given(NUMBERS, IDS)
def test_seeds_are_those_of_numpy(seed, ids):
    expected = [np.random.SeedSequence(entropy(seed, value)).generate_state(4, np.uint64) for value in ids.tolist()]
    np.testing.assert_array_equal(seeds(seed, ids), expected)


@given(NUMBERS, IDS)
def test_draws_are_those_of_numpy_and_depend_on_seed_and_id_only(seed, ids):
    for found, value in zip(list(generators(seed, ids)), ids.tolist(), strict=True):
        expected = np.random.default_rng(entropy(seed, value))
        assert found.integers(6) == expected.integers(6)
        assert found.random(4).tolist() == expected.random(4).tolist()
        assert found.standard_normal(4).tolist() == expected.standard_normal(4).tolist()


def test_there_may_be_no_ids():
    assert seeds(3, NONE).shape == (0, 4)
    assert list(generators(3, NONE)) == []
