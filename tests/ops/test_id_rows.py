"""Ids are found at the first place at which they stand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.ops.id_rows import ABSENT, rows_of

IDS = st.integers(-3, 9) | st.integers(-(2**63), 2**63 - 1)
LISTS = st.lists(IDS, max_size=6) | st.lists(st.integers(3, 9), max_size=6)


@given(LISTS, LISTS)
def test_ids_are_found_where_they_stand_first(ids, among):
    expected = [among.index(value) if value in among else ABSENT for value in ids]
    assert rows_of(np.array(ids, dtype=np.int64), np.array(among, dtype=np.int64)).tolist() == expected
