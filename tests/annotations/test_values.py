from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.values import box_of, free_ids
from ssd_det.errors import InputError


@given(st.sets(st.integers(-3, 12)), st.integers(0, 12))
def test_free_ids_are_the_lowest_that_are_not_taken(taken, count):
    expected = [number for number in range(1, 30) if number not in taken]
    assert list(islice(free_ids(taken), count)) == expected[:count]


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ([1, 2, "x", 4], 'bbox is [1, 2, "x", 4], whose width is "x": give'),
        ([1, None, 3, 4], "whose y is missing: give"),
        ([1.23456789012345e-7, 2.3456789012345678, 3.456789012345678, float("nan")], "..., whose height is NaN: give"),
        ([True, 2, 3, 1e10], "whose x is true: give"),
        ([1, 2, 3], "bbox is [1, 2, 3]: give"),
        ("a", 'bbox is "a": give'),
    ],
)
def test_the_number_of_a_box_that_is_at_fault_is_named(box, said):
    with pytest.raises(InputError) as caught:
        box_of("a.json: annotation 5", "bbox", box)
    assert said in str(caught.value)
