import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.flat_numbers import flat_numbers

NUMBERS = st.floats() | st.integers(-(10**30), 10**30)


@given(st.lists(st.lists(NUMBERS, max_size=5), max_size=5))
def test_numbers_are_those_of_numpy(lists):
    expected = [float(number) for numbers in lists for number in numbers]
    np.testing.assert_array_equal(flat_numbers(lists), np.array(expected))


@pytest.mark.parametrize("odd", [True, None, "1", [1.0], 10**400])
def test_anything_else_is_no_number(odd):
    assert flat_numbers([[1.0, 2], [odd]]) is None
