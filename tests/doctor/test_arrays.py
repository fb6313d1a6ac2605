"""Rows of tables that lie in memory column by column are the same as those of others."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.doctor.arrays import chosen_rows, rows_at


@given(st.lists(st.booleans(), max_size=5), st.data())
def test_rows_are_those_that_numpy_takes(marks, data):
    table, mask = np.arange(2.0 * len(marks)).reshape(-1, 2), np.array(marks, dtype=bool)
    index = data.draw(st.lists(st.integers(-len(marks), len(marks) - 1), max_size=4)) if marks else []
    for stored in (table, np.asfortranarray(table)):
        np.testing.assert_array_equal(chosen_rows(stored, mask), table[mask])
        np.testing.assert_array_equal(rows_at(stored, np.array(index, dtype=np.int64)), table[index].reshape(-1, 2))
