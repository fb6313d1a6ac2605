import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import Image
from ssd_det.annotations.formats.yolo_labels import parse_labels, with_label_boxes
from ssd_det.annotations.formats.yolo_rows import RowReader
from ssd_det.errors import InputError

IMAGE = Image(1, "a.png", 640, 480)
CLASSES = {0: "cat", 7: "dog"}


def parse(content, path="a.txt", keypoints=None, told=None):
    reader = RowReader(keypoints, told)
    reader.learn([content])
    return parse_labels(path, content, CLASSES, reader)


shares = st.floats(0.01, 0.99).flatmap(lambda v: st.sampled_from([f"{v:.3f}", f"{v:.9f}", f"{v:e}", repr(v)]))
blanks = st.sampled_from([" ", "  ", "\t", " \t "])
lines = st.tuples(
    st.sampled_from(["", " "]), st.sampled_from(["0", "7", "7.0"]), st.lists(shares, min_size=4, max_size=4),
    st.sampled_from([[], ["0.75"], ["x", "1", "2"]]), blanks, st.sampled_from(["\n", "\r\n", "\r", " \n\n"]),
)  # fmt: skip


def text_of(entries, mark=""):
    return "".join(
        [mark, *(start + blank.join([name, *box, *more]) + end for start, name, box, more, blank, end in entries)]
    )


@given(st.lists(lines, min_size=1, max_size=6), st.sampled_from(["", "\ufeff"]), st.data())
def test_only_the_numbers_of_changed_boxes_change(entries, mark, data):
    content = text_of(entries, mark).encode()
    if data.draw(st.booleans()):
        content = content.rstrip()
    labels = parse(content, told="boxes")
    assert len(labels) == len(entries)
    assert with_label_boxes(content, labels, {}, IMAGE) == (content, 0)
    changed = data.draw(st.integers(0, len(entries) - 1))
    box = (10.25, 20.5, 100.125, 200.75)
    new, kept = with_label_boxes(content, labels, {changed: box}, IMAGE)
    assert kept == 0
    found = parse(new, told="boxes")
    assert found[changed].box(IMAGE) == pytest.approx(box, abs=1e-3)
    assert [label.class_id for label in found] == [label.class_id for label in labels]
    assert [label.columns for label in found] == [label.columns for label in labels]
    first, last = labels[changed].spans[0][0], labels[changed].spans[3][1]
    assert new[:first] == content[:first]
    assert new[len(new) - len(content) + last :] == content[last:]
    blanks_between = [
        re.sub(rb"\S+", b"n", text) for text in (content[first:last], new[first : len(new) - len(content) + last])
    ]
    assert blanks_between[0] == blanks_between[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"0 0.5 0.5 0.1 0.1", b"0 0.132812 0.104167 0.234375 0.166667"),
        (b"0 0.50000000 0.5 0.1 0.1", b"0 0.13281250 0.10416667 0.23437500 0.16666667"),
    ],
)
def test_numbers_get_the_decimals_that_they_had(line, expected):
    assert with_label_boxes(line, parse(line), {0: (10.0, 10.0, 150.0, 80.0)}, IMAGE)[0] == expected


def test_a_box_that_leaves_the_image_is_clipped_only_where_the_format_cannot_hold_it():
    line = b"0 0.5 0.5 0.1 0.1"
    labels = parse(line)
    held, _ = with_label_boxes(line, labels, {0: (-10.0, 10.0, 150.0, 80.0)}, IMAGE)
    assert parse(held)[0].box(IMAGE) == pytest.approx((-10, 10, 150, 80), abs=1e-3)
    clipped, _ = with_label_boxes(line, labels, {0: (-10.0, 10.0, 700.0, 80.0)}, IMAGE)
    assert parse(clipped)[0].box(IMAGE) == pytest.approx((0, 10, 640, 80), abs=1e-3)
    assert with_label_boxes(line, labels, {0: (700.0, 10.0, 20.0, 80.0)}, IMAGE) == (line, 1)


def test_a_polygon_has_the_box_around_it():
    (label,) = parse(b"7 0.25 0.5 0.5 0.25 0.75 0.75")
    assert label.is_polygon
    assert label.box(IMAGE) == (160, 120, 320, 240)
    assert label.points(IMAGE) == [160, 240, 320, 120, 480, 360]


def test_keypoints_are_columns_behind_a_box():
    (label,) = parse(b"7 0.5 0.5 0.2 0.2 0.1 0.1 2 0.3 0.3 1", keypoints=6)
    assert label.columns == "0.1 0.1 2 0.3 0.3 1"
    assert not label.is_polygon


@pytest.mark.parametrize(
    ("content", "keypoints", "message"),
    [
        (b"0 0.5 0.5 0.1", None, "line 1: has 4 columns: give class"),
        (b"0 .5 .5 .1 .1\n\n5 0.5 0.5 0.1 0.1", None, "line 3: class 5 is not among the names"),
        (b"0.5 0.5 0.5 0.1 0.1", None, r"line 1: class 0\.5 is not among"),
        (b"-1 0.5 0.5 0.1 0.1", None, "line 1: class -1 is not among"),
        (b"0 0.5 0.5 0.1 1.2", None, r"line 1: 1\.2 is outside \[0, 1\]"),
        (b"0 320 240 64 48", None, r"line 1: 320 is outside \[0, 1\]"),
        (b"0 0.5 0.5 0.1 nan", None, "line 1: nan is not a number"),
        (b"0 0.5,0.5,0.1,0.2 1 2 3", None, "line 1: 0.5,0.5,0.1,0.2 is not a number"),
        (b"0 .5 .5 .1 -0.005", None, r"line 1: -0\.005 is outside \[0, 1\]"),
        (b"0 \xff 0.5 0.1 0.1", None, "is not a number"),
        (b"7 0.25 0.5 0.5 0.25 0.75 1.75", None, r"1\.75 is outside"),
        (b"0 0.5 0.5 0.1 0.1 0.3", 6, "line 1: has 6 columns: .* and 6 for the keypoints"),
    ],
)
def test_bad_lines_are_named(content, keypoints, message):
    with pytest.raises(InputError, match=f"^a.txt: .*{message}"):
        parse(content, keypoints=keypoints)


def test_numbers_that_trainers_take_are_taken_and_stay():
    content = b"0 1.005 0.5 0.2 0.2\n7 -0.002 0.5 0.1 0.1\n"
    labels = parse(content)
    assert labels[0].box(IMAGE) == pytest.approx((579.2, 192, 128, 96))
    assert with_label_boxes(content, labels, {}, IMAGE) == (content, 0)


def test_lines_are_taken_out_whole():
    content = b"0 0.5 0.5 0.1 0.1\r\n\r\n7 0.4 0.4 0.1 0.1 \n0 0.3 0.3 0.1 0.1"
    labels = parse(content)
    assert with_label_boxes(content, labels, {}, IMAGE, removed={1})[0] == (
        b"0 0.5 0.5 0.1 0.1\r\n\r\n0 0.3 0.3 0.1 0.1"
    )
    assert with_label_boxes(content, labels, {}, IMAGE, removed={0, 1, 2})[0] == b"\r\n"


def test_rows_with_faults_are_told_and_left_out():
    content = (
        b"0 0.5 0.5 0.1\n0 0.5 0.5 0.1 0.1\n5 0.5 0.5 0.1 0.1\n0 320 240 64 48\n0 1.04 0.5 0.2 0.2\n0 x 0.5 0.2 0.2"
    )
    faults = []
    labels = parse_labels("a.txt", content, CLASSES, RowReader(), faults.append)
    assert [label.values[0] for label in labels] == [0.5, 1.04], (
        "the last is at the edge of its image, and can be clipped"
    )
    assert [(fault.kind, fault.where) for fault in faults] == [
        ("bad-row", "a.txt: line 1"),
        ("unknown-class", "a.txt: line 3"),
        ("not-shares", "a.txt: line 4"),
        ("outside-shares", "a.txt: line 5"),
        ("bad-row", "a.txt: line 6"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"0 .5 .5 .1 .1\n" * 20_001, r"a\.txt: has more than 20,000 rows, which no image needs"),
        (b"0 " + b".5 " * 400_000, r"a\.txt: line 1: has more than 1,048,576 characters"),
        (b"0 .5 .5 .1 " + b"9" * 100_000, r"a\.txt: line 1: 9{57}\.\.\. is outside|a\.txt: line 1: 9{57}\.\.\. is not"),
        (b"9" * 4_000 + b" .5 .5 .1 .1", r"a\.txt: line 1: (class )?9{57}\.\.\. is not"),
    ],
)
def test_files_beyond_the_limits_end_in_a_short_sentence(content, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        parse(content)
    assert len(str(error.value)) < 300
