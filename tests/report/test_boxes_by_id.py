from hypothesis import given
from hypothesis import strategies as st
from numpy import array, int64

from ssd_det.report.boxes_by_id import BoxesById

IDS = st.integers(-9, 9)


@given(st.dictionaries(IDS, st.tuples(*[st.floats(0, 9)] * 4)), st.lists(IDS))
def test_boxes_are_those_of_the_ids(boxes, ids):
    found = BoxesById.of(boxes).at(array(ids, dtype=int64)).tolist()
    assert repr(found) == repr([list(boxes.get(key, (float("nan"),) * 4)) for key in ids])
