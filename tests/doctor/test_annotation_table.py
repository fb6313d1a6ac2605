"""Columns that are read in pieces hold what each annotation has, whatever that is."""

import json
import math

import msgspec
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.entries_on_demand import TextEntries
from ssd_det.annotations.rotation import rotation_of
from ssd_det.annotations.values import MAX_ID, is_box, is_number, is_set, polygons_of
from ssd_det.doctor import annotation_table
from ssd_det.doctor.annotation_table import FLAG_OF_TEXT, FLAGS, NO_BOXES, changed_table, read_table
from ssd_det.doctor.entry_ids import NO_ID

ODD = st.sampled_from([None, True, False, "1", "", "x", 1.0, 1.5, float("nan"), 10**400, [], {}, [1], [True] * 6])
NUMBERS = st.integers(-9, 9) | st.floats(-9, 9) | st.sampled_from([10**9, 1e9 + 1, 2**64])
POLYGONS = st.lists(st.lists(NUMBERS | st.floats(-9, 9), min_size=4, max_size=8), max_size=3)
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(0, 9) | st.sampled_from([MAX_ID, -MAX_ID - 1, 2**63]) | ODD,
        "image_id": st.integers(0, 9) | ODD,
        "category_id": st.integers(0, 9) | ODD,
        "bbox": st.lists(NUMBERS, min_size=4, max_size=4) | st.sampled_from([[0, 0, 0, 0], [0, 0, 0, False]]) | ODD,
        "true_bbox": st.lists(NUMBERS, min_size=4, max_size=4) | ODD,
        "iscrowd": st.sampled_from([0, 1, 2, "0", "True", "no"]) | ODD,
        "difficult": st.sampled_from([0, 1, "0", "no"]) | ODD,
        "area": NUMBERS | ODD,
        "rotation": NUMBERS | ODD,
        "segmentation": POLYGONS | ODD,
    },
)


def whole(value):
    if type(value) is int or (isinstance(value, float) and value.is_integer()):
        return int(value) if abs(value) <= MAX_ID else NO_ID
    return NO_ID


def written_as(entry):
    values = [entry.get(key) for key in FLAGS]
    odd = [v for v in values if v is not None and not (type(v) in {bool, int, float} and v in {0, 1})]
    if not odd:
        return 0
    return 1 if all(isinstance(value, str) and value.lower() in FLAG_OF_TEXT for value in odd) else 2


def area_of(polygon):
    points = list(zip(polygon[::2], polygon[1::2], strict=True))
    following = [*points[1:], points[0]]
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(points, following, strict=True))) / 2


@given(st.lists(ENTRIES, max_size=6), st.integers(1, 3))
def test_columns_hold_what_each_annotation_has(entries, piece):
    with_pieces = annotation_table.PIECE
    annotation_table.PIECE = piece
    try:
        table = read_table(entries)
    finally:
        annotation_table.PIECE = with_pieces
    assert all(len(column) == len(entries) for column in table)
    for row, entry in enumerate(entries):
        box, area = entry.get("bbox"), entry.get("area")
        assert (table.ids[row], table.image_ids[row]) == (whole(entry.get("id")), whole(entry.get("image_id")))
        assert table.category_ids[row] == whole(entry.get("category_id"))
        assert table.box[row].tolist() == box if is_box(box) else np.isnan(table.box[row]).all()
        assert table.missing[row] == (box in NO_BOXES)
        assert table.bad_earlier[row] == (entry.get("true_bbox") is not None and not is_box(entry["true_bbox"]))
        assert (table.crowd[row], table.difficult[row]) == tuple(is_set(entry.get(key)) for key in FLAGS)
        assert table.flags[row] == written_as(entry)
        assert table.has_text_flag[row] == any(isinstance(entry.get(key), str) for key in FLAGS)
        assert table.rotated[row] == (rotation_of(entry) is not None and is_box(box))
        expected = math.nan if area is None else float(area) if is_number(area) else annotation_table.NO_NUMBER
        np.testing.assert_equal(table.area[row], expected)
        polygons = polygons_of(entry.get("segmentation"))
        assert table.bad_segmentation[row] == (polygons is None)
        if polygons:
            assert math.isclose(table.polygon_area[row], sum(map(area_of, polygons)), rel_tol=1e-9, abs_tol=1e-6)
            x, y = ([value for polygon in polygons for value in polygon[axis::2]] for axis in (0, 1))
            assert table.bounds[row].tolist() == [min(x), min(y), max(x), max(y)]
        else:
            assert np.isnan([*table.bounds[row], table.polygon_area[row]]).all()


def assert_same(table, expected):
    for name, column, wanted in zip(table._fields, table, expected, strict=True):
        np.testing.assert_array_equal(column, wanted, err_msg=name)


@given(st.lists(ENTRIES | ODD, max_size=6))
def test_entries_that_are_text_are_read_as_others(entries):
    text = TextEntries([msgspec.Raw(json.dumps(entry).encode()) for entry in entries])
    assert_same(read_table(text), read_table(entries))


@given(st.lists(st.tuples(ENTRIES | ODD, st.none() | ENTRIES, st.booleans()), max_size=6))
def test_a_table_that_is_changed_is_that_of_the_changed_annotations(drawn):
    changes = {row: new for row, (_, new, _) in enumerate(drawn) if new is not None}
    kept = np.array([is_kept for _, _, is_kept in drawn], dtype=bool)
    now = [changes.get(row, old) for row, (old, _, is_kept) in enumerate(drawn) if is_kept]
    assert_same(changed_table(read_table([old for old, _, _ in drawn]), changes, kept), read_table(now))
