import json

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.refined import Guard, Refinement, refined_content
from ssd_det.annotations.entries import restored
from ssd_det.errors import InputError

BOX = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}


def refine(path, boxes, passed_over=None, **guard):
    coco = read_coco(path)
    refinements = {k: Refinement(b, 0.8) for k, b in boxes.items()}
    content, summary = refined_content(coco, refinements, passed_over or {}, Guard(**guard))
    assert coco.content == json.loads(path.read_text())
    return [*content["annotations"]], summary


def test_a_refined_annotation_has_its_box_and_three_more_keys(make_coco):
    path = make_coco(annotations=[{"note": "ü", **BOX, "area": 120, "score": 1}])
    (entry,), summary = refine(path, {5: (4.0, 5.0, 14.0, 11.0)})
    assert entry == {
        "note": "ü",
        **BOX,
        "bbox": [4, 5, 10, 6],
        "area": 60,
        "score": 1,
        "original_bbox": [4, 5, 10, 12],
        "refine_score": 0.8,
        "refine_iou": 0.5,
    }
    assert list(entry)[:7] == ["note", "id", "image_id", "category_id", "bbox", "area", "score"]
    assert (summary.refined, summary.mean_iou, summary.mean_shift) == (1, 0.5, 3)


def test_an_existing_original_is_kept(make_coco):
    path = make_coco(annotations=[{**BOX, "original_bbox": [4, 5, 10, 3]}])
    (entry,), summary = refine(path, {5: (4, 5, 14, 11)})
    assert entry["original_bbox"] == [4, 5, 10, 3]
    assert entry["refined_from"] == BOX["bbox"]
    assert entry["refine_iou"] == summary.mean_iou == 0.5
    assert restored(entry) == {**BOX, "bbox": [4, 5, 10, 3]}
    (entry,), _ = refine(make_coco(annotations=[{**BOX, "original_bbox": None}]), {5: (4, 5, 14, 11)})
    assert entry["original_bbox"] == BOX["bbox"]
    assert "refined_from" not in entry
    (entry,), _ = refine(make_coco(annotations=[{**entry, "bbox": [4, 5, 10, 8]}]), {5: (4, 5, 14, 11)})
    assert entry["refined_from"] == [4, 5, 10, 8]


def test_what_cannot_be_refined_passes_through_and_is_counted(make_coco):
    image = {"file_name": "a.png", "width": 40, "height": 30}
    entries = [
        {**BOX, "iscrowd": 1},
        {**BOX, "id": 6, "bbox": [1, 1, 0, 5]},
        {**BOX, "id": 7, "bbox": [90, 1, 5, 5]},
        {**BOX, "id": 8, "image_id": 2},
        {**BOX, "id": 9},
    ]
    path = make_coco(images=[{"id": 1, **image}, {"id": 2, **image}], annotations=entries)
    found, summary = refine(path, {9: (3, 3, 3, 9)}, {2: "image missing"})
    assert found == entries
    assert summary.passed_through == {
        "crowd": 1,
        "no area": 1,
        "outside the image": 1,
        "image missing": 1,
        "no area after refining": 1,
    }


def test_a_low_score_keeps_an_annotation_as_it_is(make_coco):
    path = make_coco(annotations=[BOX, {**BOX, "id": 6}])
    boxes = {5: (4, 5, 14, 11), 6: (4, 5, 14, 11)}
    found, summary = refine(path, boxes, min_score=0.81)
    assert found == [BOX, {**BOX, "id": 6}]
    assert (summary.refined, summary.passed_through) == (0, {"score below 0.81": 2})
    found, summary = refine(path, boxes, min_score=0.8)
    assert summary.refined == 2


@pytest.mark.parametrize(
    ("box", "taken"),
    [
        ((4, 5, 14, 11), False),  # the lower side goes up by half of the height
        ((4, 5, 14, 14), True),
        ((1.1, 5, 14, 17), True),
        ((0.9, 5, 14, 17), False),
        ((4, 5, 18, 17), False),
    ],
)
def test_a_far_move_keeps_an_annotation_as_it_is(make_coco, box, taken):
    (entry,), summary = refine(make_coco(annotations=[BOX]), {5: box}, max_shift=0.3)
    assert (entry != BOX) == taken
    assert summary.passed_through == ({} if taken else {"shift above 0.3": 1})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"min_score": 1.1}, "min_score is 1.1: give a number from 0 to 1"),
        ({"min_score": float("nan")}, "min_score is nan"),
        ({"max_shift": 0}, "max_shift is 0: give a number above 0"),
        ({"max_shift": float("nan")}, "max_shift is nan"),
    ],
)
def test_limits_out_of_range_are_refused(limits, message):
    with pytest.raises(InputError, match=message):
        Guard(**limits)


def test_an_annotation_that_was_forgotten_is_an_error(make_coco):
    with pytest.raises(InputError, match="annotation 5 was not refined"):
        refine(make_coco(), {})


@pytest.mark.parametrize(
    ("segmentation", "count"),
    [
        ([[4, 5, 14, 5, 14, 11, 4, 11]], 0),
        ([[4, 5, 14, 5, 14, 17, 4, 17]], 1),
        ({"size": [30, 40], "counts": [0, 1200]}, 1),
        ([], 0),
        ("what", 0),
        ([[1]], 0),
        ({"size": [30, 40], "counts": [10**30]}, 0),
    ],
)
def test_segmentations_that_disagree_are_counted_and_kept(make_coco, segmentation, count):
    path = make_coco(annotations=[{**BOX, "segmentation": segmentation}])
    (entry,), summary = refine(path, {5: (4, 5, 14, 11)})
    assert entry["segmentation"] == segmentation
    assert summary.segmentations == count


def test_a_trusted_annotation_keeps_its_box_and_what_refining_would_have_done(make_coco):
    trusted = {**BOX, "trusted": True, "original_bbox": [4, 5, 10, 3]}
    path = make_coco(annotations=[trusted])
    (entry,), summary = refine(path, {5: (4, 5, 14, 11)})
    known = {"bbox": [4, 5, 10, 3], "refined_bbox": [4, 5, 10, 6], "refine_score": 0.8, "taken": True}
    assert entry == {**trusted, "untrusted": known}
    assert (summary.refined, summary.passed_through) == (0, {"trusted": 1})
    (entry,), _ = refine(path, {5: (4, 5, 14, 11)}, min_score=0.9)
    assert entry == {**trusted, "untrusted": {**known, "taken": False}}
    (again,), _ = refine(make_coco(annotations=[{**trusted, "untrusted": known}]), {5: (4, 5, 14, 10)})
    assert again["untrusted"]["bbox"] == [4, 5, 10, 6], "the next round starts from what this one took"
    assert restored(entry) == {**BOX, "bbox": [4, 5, 10, 3]}


@pytest.mark.parametrize("changes", [{"original_bbox": None}, {"original_bbox": [1, 1, 0, 5]}, {"image_id": 2}])
def test_of_a_trusted_annotation_without_a_box_to_refine_nothing_is_said(make_coco, changes):
    image = {"file_name": "a.png", "width": 40, "height": 30}
    trusted = {**BOX, "trusted": True, "original_bbox": [4, 5, 10, 3], **changes}
    path = make_coco(images=[{"id": 1, **image}, {"id": 2, **image}], annotations=[trusted])
    (entry,), _ = refine(path, {5: (4, 5, 14, 11)}, {2: "image missing"})
    assert entry == trusted
