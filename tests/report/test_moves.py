"""What refining did to annotations, in numbers."""

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.report.moves import Move, moves, overlaps_with_original

BOX = {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]}


@pytest.fixture
def coco(make_coco):
    moved = {"original_bbox": [3, 4, 10, 10], "refine_score": 0.7}
    return read_coco(make_coco(annotations=[{**BOX, **moved, "id": 5}, {**BOX, "id": 6, "refine_score": 0.2}]))


def test_a_refined_and_an_unrefined_annotation(coco):
    refined, kept = moves(coco, coco.annotations, {5: (0, 0, 10, 5), 6: (0, 0, 10, 5)})
    assert refined == Move(score=0.7, shift=5.0, iou=round(42 / 158, 4), before=round(7 / 143, 4), after=0.5)
    assert kept == Move(score=None, shift=None, iou=None, before=0.5, after=0.5)


def test_what_is_not_known_is_none(coco):
    (refined, _) = moves(coco, coco.annotations, {})
    assert (refined.before, refined.after) == (None, None)
    assert moves(coco, [], {}) == []


def test_an_unrefined_box_overlaps_itself_even_without_area(make_coco):
    coco = read_coco(make_coco(annotations=[{**BOX, "id": 5, "bbox": [1, 1, 0, 0]}]))
    assert overlaps_with_original(coco.annotations) == [1.0]
