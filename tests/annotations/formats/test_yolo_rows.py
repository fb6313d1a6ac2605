import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.formats.yolo_rows import RowError, RowReader, Shape

BOX = Shape(4, False)
AMBIGUOUS = "ambiguous-row"
TRACKS = ["0 .15 .48 .22 .28 .87 {}", "1 .52 .55 .25 .3 .91 {}", "0 .7 .41 .24 .26 .87 {}", "1 .3 .2 .1 .1 .5 {}"]
POLYGON = "0 .04 .34 .26 .34 .26 .63 .04 .63 .04 .48"
TRIANGLE = "1 .1 .1 .3 .1 .3 .3"


def shapes(rows, keypoints=None, told=None):
    """What each row is, or the kind of its fault."""
    reader = RowReader(keypoints, told)
    reader.learn(["\n".join(rows).encode()])
    found = []
    for row in rows:
        try:
            found.append(reader.shape_of(row.encode().split()[1:]))
        except RowError as error:
            found.append(error.kind)
    return found


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (["0 .5 .5 .1 .1", "0 .5 .5 .1 .1 .9", "0 .5 .5 .1 .1 17"], [BOX] * 3),
        ([TRACKS[0].format(1), TRACKS[1].format(2)], [BOX] * 2),  # no point is at 2
        ([TRACKS[0].format(0), TRACKS[1].format(1), TRACKS[2].format(1)], [BOX] * 3),
        ([TRACKS[0].format(0), TRACKS[1].format(1)], [AMBIGUOUS] * 2),
        ([TRACKS[0].format("1.000000"), TRACKS[1].format("0.000000"), TRACKS[2].format("1.0")], [AMBIGUOUS] * 3),
        ([row.format(1) for row in TRACKS], [AMBIGUOUS] * 4),  # triangles at the lower edge end like this
        (["0 .5 .5 .1 .1 .9", TRACKS[0].format(1)], [BOX] * 2),
        (["0 .5 .5 .1 .1 3 .9"], [BOX]),  # a track id before the confidence
        ([TRIANGLE, "0 .5 .5 .1 .1"], [Shape(6, True), BOX]),
        ([TRIANGLE, TRACKS[0].format(1)], [Shape(6, True)] * 2),
        ([POLYGON, TRACKS[0].format(1)], [Shape(10, True), Shape(6, True)]),
        ([TRIANGLE, TRACKS[0].format(1), TRACKS[1].format(2)], [Shape(6, True), AMBIGUOUS, BOX]),
        ([TRIANGLE + " .9"], [AMBIGUOUS]),
        ([TRIANGLE + " .9", POLYGON + " .9"], [Shape(6, True), Shape(10, True)]),
        ([POLYGON, POLYGON + " .912", POLYGON + " 3", POLYGON + " 1"], [Shape(10, True)] * 4),
        ([POLYGON + " .912 5", POLYGON + " .9 0"], [Shape(10, True)] * 2),
        ([POLYGON + " .5 1", POLYGON + " .5 .6"], [Shape(12, True)] * 2),
        ([POLYGON + " .5 1"], [AMBIGUOUS]),
        ([POLYGON + " .1 .63 .04 1"], [AMBIGUOUS]),
        (["0 0 0 1 0 1 1 0 1"], [Shape(8, True)]),  # the whole image, either way
        (["0 .1 .2 .3 .1 .4 .3 .2 .4"], [Shape(8, True)]),  # an oriented box
        (["0 .1 .2 .3 .1 .4 .3 .2 .4 .8"], [Shape(8, True)]),
        ([POLYGON + " 1.7"], ["bad-row"]),
        ([POLYGON + " x"], ["bad-row"]),
        (["0 .5 .5 .1"], ["bad-row"]),
        (["0"], ["bad-row"]),
    ],
)
def test_rows_are_told_apart_by_all_rows(rows, expected):
    assert shapes(rows) == expected
    assert shapes(rows[::-1]) == expected[::-1]


@pytest.mark.parametrize(
    ("rows", "kind", "expected"),
    [
        ([TRACKS[0].format(1)], "boxes", BOX),
        ([TRACKS[0].format(1)], "polygons", Shape(6, True)),
        ([TRIANGLE + " .9"], "polygons", Shape(6, True)),
        ([TRIANGLE + " .9"], "boxes", BOX),
        ([POLYGON + " .5 1"], "polygons", Shape(12, True)),
        ([POLYGON + " .5 7"], "polygons", Shape(10, True)),
        (["0 .1 .2 .3 .1 .4 .3 .2 .4 .8 1"], "obb", Shape(8, True)),
        ([POLYGON + " .5 1 .3"], "obb", "bad-row"),
        (["0 .5 .5 .1 .1 .9"], "obb", BOX),
        (["0 .5 .5 .2 .2 .4 .4 2 .5 .5 1"], "pose", BOX),
    ],
)
def test_what_is_said_of_rows_decides(rows, kind, expected):
    assert shapes(rows, told=kind) == [expected]


@pytest.mark.parametrize("further", ["", " .9", " .9 4"])
def test_keypoints_are_columns_behind_a_box(further):
    row = "0 .5 .5 .2 .2 .4 .4 2 .5 .5 1"
    assert shapes([row + further, "0 .5 .5 .2 .2"], keypoints=6) == [BOX, BOX]
    assert shapes([row + " 1 2 3", row.rsplit(" ", 1)[0]], keypoints=6) == ["bad-row"] * 2


def test_keypoints_without_kpt_shape_are_no_polygons():
    flagged = ["0 .5 .5 .2 .3 .4 .4 1 .5 .5 1", "0 .3 .5 .2 .3 .4 .4 1 .5 .5 0"]
    assert shapes(flagged) == [AMBIGUOUS] * 2
    plain = ["0 .7 .7 .2 .3 .65 .6 .75 .8", "0 .8 .6 .1 .3 .79 .5 .81 .7"]
    assert shapes(plain) == [AMBIGUOUS] * 2
    assert shapes(plain, told="polygons") == [Shape(8, True)] * 2
    reader = RowReader()
    reader.learn([plain[0].encode()])
    with pytest.raises(RowError, match=r"add kpt_shape to data\.yaml, or say which with --yolo_rows"):
        reader.shape_of(plain[0].encode().split()[1:])


coordinates = st.floats(0.05, 0.95).map(lambda value: f"{value:.6f}")


@given(st.lists(st.lists(coordinates, min_size=6, max_size=24), min_size=1, max_size=8), st.randoms())
def test_polygons_of_many_points_are_never_boxes(rows, random):
    rows = [row[: len(row) // 2 * 2] for row in rows] + [["0.1"] * 4 + ["0.2"] * 6, ["0.1"] * 4 + ["0.2"] * 8]
    random.shuffle(rows)
    found = shapes([" ".join(["0", *row]) for row in rows])
    assert found == [Shape(len(row), True) for row in rows]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8).filter(lambda ids: max(ids) > 1),
    st.sampled_from([".5 .5 .2 .2", ".1 .2 .3 .15 .35 .3", ".1 .2 .3 .15 .35 .3 .2 .4"]),
)
def test_a_track_id_is_never_a_point(ids, numbers):
    count = len(numbers.split())
    found = shapes([f"0 {numbers} .9 {track}" for track in ids])
    assert found == [Shape(count, count > 4)] * len(ids)
