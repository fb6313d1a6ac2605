from itertools import islice

from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.values import free_ids


@given(st.sets(st.integers(-3, 12)), st.integers(0, 12))
def test_free_ids_are_the_lowest_that_are_not_taken(taken, count):
    expected = [number for number in range(1, 30) if number not in taken]
    assert list(islice(free_ids(taken), count)) == expected[:count]
