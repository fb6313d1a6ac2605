"""Rotated boxes: what is read as one, the box around it, and that it passes through."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.refined import Refinement, refined_content
from ssd_det.annotations.rotation import Rotation, box_around, rotation_of

SIDE = st.floats(1, 100)


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"attributes": {"rotation": 35.7}}, Rotation(35.7, True)),
        ({"attributes": {"rotation": -90}}, Rotation(-90, True)),
        ({"rotation": 45}, Rotation(45, False)),
        ({"attributes": {"rotation": 0.0}}, None),
        ({"attributes": {"rotation": 360}}, None),
        ({"attributes": {"rotation": "a lot"}, "rotation": True}, None),
        ({"attributes": ["rotation"]}, None),
        ({}, None),
    ],
)
def test_what_a_rotation_is(entry, expected):
    assert rotation_of(entry) == expected


@given(SIDE, SIDE, SIDE, SIDE, st.floats(-400, 400), st.booleans())
def test_the_box_around_touches_the_turned_corners(x, y, width, height, degrees, about_centre):
    pivot = np.array([x + width / 2, y + height / 2] if about_centre else [x, y])
    corners = np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])
    turn = np.exp(1j * np.radians(degrees))
    turned = (corners - pivot) @ [1, 1j] * turn
    points = np.stack([turned.real, turned.imag], axis=1) + pivot
    expected = [*points.min(axis=0), *np.ptp(points, axis=0)]
    assert box_around((x, y, width, height), Rotation(degrees, about_centre)) == pytest.approx(expected, abs=1e-6)


def test_a_rotated_box_is_neither_trained_on_nor_measured(make_coco):
    entry = {"image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}
    coco = read_coco(make_coco(annotations=[{**entry, "id": 1, "attributes": {"rotation": 30}}, {**entry, "id": 2}]))
    assert [coco.why_unusable(annotation) for annotation in coco.annotations] == ["rotated", None]
    assert [annotation.measurable for annotation in coco.annotations] == [False, True]
    assert coco.count_usable() == 1
    content, summary = refined_content(coco, {2: Refinement((5, 5, 14, 17), 0.8)}, {})
    assert content["annotations"][0] == coco.content["annotations"][0]
    assert (summary.refined, summary.passed_through) == (1, {"rotated": 1})
