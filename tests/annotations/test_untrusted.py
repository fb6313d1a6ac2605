import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.untrusted import Untrusted, as_untrusted, untrusted_of
from ssd_det.errors import InputError

BOX = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}


def read(make_coco, *entries):
    return read_coco(make_coco(annotations=[{**BOX, "id": 5 + index, **entry} for index, entry in enumerate(entries)]))


def test_a_file_is_as_if_nobody_had_checked_it(make_coco):
    refined = Untrusted((3, 3, 9, 9), (2, 2, 8, 8), 0.7, taken=True)
    kept = refined._replace(taken=False)
    coco = read(
        make_coco,
        {"trusted": True, "original_bbox": [1, 2, 3, 4]},
        {"trusted": True, "original_bbox": [1, 2, 3, 4], "untrusted": Untrusted((3, 3, 9, 9)).to_json()},
        {"trusted": True, "original_bbox": [1, 2, 3, 4], "untrusted": refined.to_json()},
        {"trusted": True, "original_bbox": [1, 2, 3, 4], "untrusted": kept.to_json()},
        {"trusted": True},
        {"original_bbox": [1, 2, 3, 4]},
        {"trusted": True, "original_bbox": [1, 2, 3, 0]},
    )
    assert untrusted_of(coco, coco.annotations[2]) == refined
    unchecked, trusted = as_untrusted(coco)
    own = tuple(BOX["bbox"])
    boxes = [annotation.bbox for annotation in unchecked.annotations]
    assert boxes == [(1, 2, 3, 4), (3, 3, 9, 9), (2, 2, 8, 8), (3, 3, 9, 9), own, own, own]
    assert trusted == dict.fromkeys((5, 6, 7, 8), own)
    assert unchecked.content is coco.content


def test_without_trusted_boxes_it_is_the_same_file(make_coco):
    coco = read(make_coco, {"original_bbox": [1, 2, 3, 4]})
    assert as_untrusted(coco) == (coco, {})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1], r"annotation 5: untrusted is \[1\]: remove it"),
        ({}, "annotation 5: untrusted: bbox is missing"),
        ({"bbox": [1, 2, 3, 4], "refine_score": 7}, "annotation 5: untrusted: refine_score is 7: remove untrusted"),
        ({"bbox": [1, 2, 3, 4], "refined_bbox": "x"}, "annotation 5: untrusted: refined_bbox is"),
    ],
)
def test_something_else_ends_in_a_sentence(make_coco, content, message):
    with pytest.raises(InputError, match=message):
        as_untrusted(read(make_coco, {"trusted": True, "untrusted": content}))
