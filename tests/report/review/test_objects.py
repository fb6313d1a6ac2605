"""What the page shows, and of which annotations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import Image, read_coco
from ssd_det.report.measured_boxes import carried_true_boxes, measure_file
from ssd_det.report.references import true_boxes
from ssd_det.report.review.crops import crop_region
from ssd_det.report.review.objects import chosen_images, page_objects
from tests.report.review.case import write_case


@pytest.fixture
def coco(tmp_path):
    return read_coco(write_case(tmp_path, with_truth=True))


@pytest.fixture
def boxes(coco):
    return measure_file(coco, carried_true_boxes(coco.annotations))


@pytest.mark.parametrize(("count", "images"), [(100, [0, 1, 2]), (9, [0, 1, 2]), (8, [1, 2]), (3, [2]), (1, [2])])
def test_images_whose_boxes_moved_most_come_first_and_whole(coco, boxes, count, images):
    assert [image.id for image in chosen_images(coco, boxes, count)] == images


def test_an_object_has_its_boxes_and_measures(coco, boxes):
    objects = page_objects(coco, chosen_images(coco, boxes, 3), boxes)
    assert [entry.id for entry in objects] == ["16", "17", "18"]
    kept, _, last = objects
    assert (kept.original, kept.shift, kept.iou, kept.score) == (None, None, None, None)
    assert last.box == [8, 10, 20, 30]
    assert last.original == [16, 10, 20, 30]
    assert last.true == [8, 10, 20, 28]
    assert (last.shift, last.score) == (8, 0.82)
    assert last.iou == pytest.approx(12 / 28, abs=1e-3)
    assert last.after == pytest.approx(28 / 30, abs=1e-3)
    assert last.before == pytest.approx(12 * 28 / (20 * 30 + 8 * 28), abs=1e-3)


def test_an_object_says_whether_it_is_trusted_and_why_it_cannot_be(tmp_path):
    path = write_case(tmp_path)
    content = json.loads(path.read_text())
    content["annotations"][0]["trusted"] = True
    content["annotations"][1]["iscrowd"] = 1
    content["annotations"][2]["bbox"] = [200, 10, 20, 30]  # outside: it can be brought in
    path.write_text(json.dumps(content))
    coco = read_coco(path)
    boxes = measure_file(coco, true_boxes(None))
    objects = page_objects(coco, coco.images, boxes, {10: "at random", 11: "rare", 12: "rare"})
    assert [(entry.id, entry.trusted, entry.fixed, entry.chosen) for entry in objects] == [
        ("10", True, None, "at random"),
        ("11", False, "crowd", "rare"),
        ("12", False, None, "rare"),
    ]


def test_without_true_boxes_nothing_is_said_of_them(coco):
    boxes = measure_file(coco, true_boxes(None))
    (entry, *_) = page_objects(coco, chosen_images(coco, boxes, 3), boxes)
    assert (entry.true, entry.before, entry.after) == (None, None, None)


number = st.floats(-50, 150)
length = st.floats(0.1, 200)


@given(
    boxes=st.lists(st.tuples(number, number, length, length), min_size=1, max_size=3),
    width=st.integers(1, 120),
    height=st.integers(1, 120),
)
def test_a_crop_is_in_the_image_and_holds_what_is_visible_of_the_boxes(boxes, width, height):
    x, y, w, h = crop_region(boxes, Image(1, "a", width, height))
    assert w >= 1 <= h
    assert 0 <= x <= x + w <= width
    assert 0 <= y <= y + h <= height
    for left, top, wide, high in boxes:
        assert x <= max(min(left, width), 0) + 0.5
        assert y <= max(min(top, height), 0) + 0.5
        assert min(max(left + wide, 0), width) <= x + w + 0.5
        assert min(max(top + high, 0), height) <= y + h + 0.5


def test_a_crop_has_context_and_is_a_square_where_the_image_allows():
    assert crop_region([(100, 100, 50, 20)], Image(1, "a", 400, 300)) == [85, 70, 80, 80]
    assert crop_region([(0, 0, 50, 20)], Image(1, "a", 400, 300)) == [0, 0, 80, 80]
    assert crop_region([(100, 100, 1, 1)], Image(1, "a", 400, 300)) == [88, 88, 24, 24]
