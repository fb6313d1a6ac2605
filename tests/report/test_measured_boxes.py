"""What refining did to annotations, in numbers."""

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.report.boxes_by_id import BoxesById
from ssd_det.report.measured_boxes import BoxChange, carried_true_boxes, measure_file

NONE = BoxesById.of({})
BOX = {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]}


@pytest.fixture
def coco(make_coco):
    moved = {"original_bbox": [3, 4, 10, 10], "refine_score": 0.7}
    return read_coco(make_coco(annotations=[{**BOX, **moved, "id": 5}, {**BOX, "id": 6, "refine_score": 0.2}]))


def test_a_refined_and_an_unrefined_annotation(coco):
    refined, kept = measure_file(coco, BoxesById.of({5: (0, 0, 10, 5), 6: (0, 0, 10, 5)})).changes()
    assert refined == BoxChange(score=0.7, shift=5.0, iou=round(42 / 158, 4), before=round(7 / 143, 4), after=0.5)
    assert kept == BoxChange(score=None, shift=None, iou=None, before=0.5, after=0.5)


def test_what_is_not_known_is_none(coco):
    boxes = measure_file(coco, NONE)
    (refined, _) = boxes.changes()
    assert (refined.before, refined.after) == (None, None)
    assert boxes.rows([]).changes() == []


def test_rows_are_taken_in_the_order_asked_for(coco):
    boxes = measure_file(coco, BoxesById.of({5: (0, 0, 10, 5)}))
    some = boxes.rows([1, 0])
    assert [a.id for a in some.annotations] == [6, 5]
    assert some.changes() == boxes.changes()[::-1]
    assert some.has_truth.tolist() == [False, True]
    assert some.true_boxes == [None, (0, 0, 10, 5)]
    assert some.after.tolist() == [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert some.before.tolist() == [[0, 0, 10, 10], [3, 4, 13, 14]]


def test_refining_helped_where_it_brought_a_box_closer_than_the_one_that_it_started_from(make_coco):
    true = BoxesById.of(dict.fromkeys((5, 6, 7), (0, 0, 10, 10)))
    moved = {**BOX, "bbox": [0, 0, 10, 8], "original_bbox": [0, 0, 10, 5]}
    starts = [{"refined_from": [0, 0, 10, 9]}, {"refined_from": [0, 0, 10, 7]}, {}]
    path = make_coco(annotations=[{**moved, **start, "id": 5 + row} for row, start in enumerate(starts)])
    boxes = measure_file(read_coco(path), true)
    assert boxes.refining_helped.tolist() == [False, True, True]
    assert boxes.iou_with_true_before.tolist() == [0.5, 0.5, 0.5]
    assert boxes.rows([2, 0]).refining_helped.tolist() == [True, False]
    before = BoxesById.of(dict.fromkeys((5, 6, 7), (0, 0, 10, 9)))
    assert measure_file(read_coco(path), true, before).refining_helped.tolist() == [False, False, False]


def test_a_start_that_is_no_box_is_refused(make_coco):
    path = make_coco(annotations=[{**BOX, "id": 5, "refined_from": [1]}])
    with pytest.raises(InputError, match=r"annotation 5: refined_from is \[1\]"):
        measure_file(read_coco(path), NONE)


def test_boxes_of_an_earlier_file_count_as_those_before(coco):
    boxes = measure_file(coco, BoxesById.of({6: (0, 0, 10, 10)}), BoxesById.of({5: (0, 0, 10, 10), 6: (0, 0, 10, 5)}))
    assert boxes.refined.tolist() == [True, True]
    assert boxes.iou_with_original.tolist() == [1, 0.5]
    assert boxes.iou_with_true_before[1] == 0.5
    assert boxes.iou_with_true_after[1] == 1


def test_annotations_carry_their_true_boxes(make_coco):
    true = {**BOX, "id": 5, "true_bbox": [1, 2, 3, 4]}
    coco = read_coco(make_coco(annotations=[true, {**BOX, "id": 6}]))
    carried = carried_true_boxes(coco.annotations)
    assert (carried.ids.tolist(), carried.boxes.tolist()) == ([5], [[1, 2, 3, 4]])


def test_an_unrefined_box_overlaps_itself_even_without_area(make_coco):
    coco = read_coco(make_coco(annotations=[{**BOX, "id": 5, "bbox": [1, 1, 0, 0]}]))
    assert measure_file(coco, NONE).iou_with_original.tolist() == [1.0]
