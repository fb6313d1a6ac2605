"""What ``--fix`` changes, and that it changes nothing else."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.values import MAX_ID
from ssd_det.doctor.examination import examine, fix_faults
from ssd_det.doctor.fault_kinds import Severity
from ssd_det.errors import InputError
from tests.annotation_content import clean_content


def fixed_content(content):
    return fix_faults(content, examine(content)).content


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"bbox": [31, 53, -30, -41]}, {"bbox": [1, 12, 30, 41]}),
        ({"bbox": [-5, 12.5, 30, 100]}, {"bbox": [0, 12.5, 25, 87.5], "area": 2187.5}),
        ({"bbox": [190.25, 12, 30, 41]}, {"bbox": [190.25, 12, 9.75, 41], "area": 399.75}),
        ({"iscrowd": "0", "difficult": "True"}, {"iscrowd": 0, "difficult": 1}),
        ({"area": "1230"}, {"area": 1230}),
    ],
)
def test_a_fix_changes_what_it_must_and_keeps_the_order_of_keys(parts, expected):
    content = clean_content()
    entry = content["annotations"][0]
    del entry["segmentation"]
    entry.update(parts)
    if "bbox" in parts:
        entry["area"] = entry["bbox"][2] * entry["bbox"][3]
    original = copy.deepcopy(content)
    result = fixed_content(content)
    assert result["annotations"][0] == {**entry, **expected}
    assert list(result["annotations"][0]) == list(entry)
    assert result["annotations"][1:] == original["annotations"][1:]
    assert {**result, "annotations": 0} == {**original, "annotations": 0}
    assert content == original


def test_whole_numbers_stay_whole():
    content = clean_content()
    content["annotations"][0]["bbox"] = [-5, 12, 30, 41]
    assert json.dumps(fixed_content(content)["annotations"][0]["bbox"]) == "[0, 12, 25, 41]"


def test_the_first_of_duplicates_stays_and_new_ids_are_free():
    content = clean_content()
    content["annotations"] += [
        {**content["annotations"][0], "id": 77},
        {**content["annotations"][8], "bbox": [5, 5, 9, 9]},
    ]
    result = fixed_content(content)
    assert [entry["id"] for entry in result["annotations"]] == [10, 11, 12, 20, 21, 22, 30, 31, 32, 78]


def test_new_ids_are_the_lowest_free_ones_if_there_is_no_room_above_the_largest():
    content = clean_content()
    for entry, number in zip(content["annotations"], [1, MAX_ID, MAX_ID, MAX_ID, 3], strict=False):
        entry["id"] = number
    result = fixed_content(content)
    assert [entry["id"] for entry in result["annotations"]] == [1, MAX_ID, 2, 4, 3, 22, 30, 31, 32]


def test_normalised_boxes_and_corners_are_converted_back():
    content = clean_content()
    true_boxes = [entry["bbox"] for entry in content["annotations"]]
    for reading in (
        lambda x, y, w, h: [x / 200, y / 100, w / 200, h / 100],
        lambda x, y, w, h: [(x + w / 2) / 200, (y + h / 2) / 100, w / 200, h / 100],
        lambda x, y, w, h: [x / 200, y / 100, (x + w) / 200, (y + h) / 100],
    ):
        for entry, box in zip(content["annotations"], true_boxes, strict=True):
            entry["bbox"] = reading(*[value + shift for value, shift in zip(box, (20, 30, 0, 0), strict=True)])
        boxes = [entry["bbox"] for entry in fixed_content(content)["annotations"]]
        np.testing.assert_allclose(boxes, np.add(true_boxes, [20, 30, 0, 0]), atol=1e-5)


NUMBER = st.integers(-50, 260) | st.floats(-50, 260, width=32) | st.floats(0, 1)
PARTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.integers(9, 13) | st.sampled_from([None, 0, 1.5, "x", "10", "y", 2**63 - 1, 2**64, [1]]),
        "image_id": st.integers(1, 4) | st.sampled_from(["1", "one", 1.5, None]),
        "category_id": st.integers(1, 3) | st.sampled_from(["1", "01"]),
        "bbox": st.lists(NUMBER, min_size=4, max_size=4) | st.sampled_from([[1, 2, "3", 4], [], None, [0, 0, 0, 0]]),
        "attributes": st.sampled_from([None, {"rotation": 30}, {"rotation": 360.0}]),
        "rotation": st.sampled_from([0, 90]),
        "area": st.floats(-1, 5000) | st.sampled_from(["9", None, 1230]),
        "iscrowd": st.sampled_from([0, 1, "0", "1", "yes", True, None]),
        "segmentation": st.sampled_from([[], None, [[1, 1, 2, 2, 3]], [[0, 0, 9, 0, 9, 9]], {"counts": []}]),
        "true_bbox": st.sampled_from([None, [1, 2, 3, 4], [1, 2]]),
    },
)


IMAGE_PARTS = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from([0, 2, 7, "1", "one", 1.5, None]),
        "file_name": st.sampled_from(["1.png", "a\\1.png", "sub/2.png"]),
        "width": st.sampled_from([200, None]),
    },
)
CATEGORY_PARTS = st.fixed_dictionaries(
    {}, optional={"id": st.sampled_from([1, "1", "01", None]), "name": st.sampled_from(["cat", 1, 2.5, "", None])}
)


@given(st.lists(PARTS, max_size=9), st.lists(st.integers(0, 8), max_size=4), IMAGE_PARTS, CATEGORY_PARTS)
def test_fixing_a_fixed_file_changes_nothing(parts, repeated, image, category):
    content = clean_content()
    content["images"][0].update(image)
    content["categories"][0].update(category)
    for entry, more in zip(content["annotations"], parts, strict=False):
        entry.update(more)
    content["annotations"] += [dict(content["annotations"][index]) for index in repeated]
    fixed = fix_faults(content, examine(content))
    again = examine(fixed.content)
    assert not [fault.kind for fault in again.faults if fault.details.fixable]
    assert again.faults == fixed.left.faults
    assert repr(fix_faults(fixed.content, again).content) == repr(fixed.content)


@given(st.lists(PARTS, max_size=9), st.lists(st.integers(0, 8), max_size=2))
def test_other_commands_read_a_file_unless_it_has_errors(tmp_path_factory, parts, repeated):
    content = clean_content()
    for entry, more in zip(content["annotations"], parts, strict=False):
        entry.update(more)
    content["annotations"] += [dict(content["annotations"][index]) for index in repeated]
    path = tmp_path_factory.mktemp("doctor") / "in.json"
    path.write_text(json.dumps(content))
    faults = examine(content).faults
    errors = {fault.kind for fault in faults if fault.details.severity == Severity.ERROR}
    duplicates = {"exact-duplicate"} & {fault.kind for fault in faults}
    try:
        read_coco(path)
    except InputError:
        assert errors or duplicates  # an id that only a duplicate reuses is reported as the duplicate
    else:
        misleading = {"normalised-boxes", "corners-as-boxes", "negative-size", "box-from-polygons", "empty-annotation"}
        assert errors <= misleading
