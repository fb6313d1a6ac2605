"""Trusted boxes find the annotations that they belong to."""

import pytest

from ssd_det.annotations.coco import parse_coco
from ssd_det.annotations.trusted import match_trusted
from ssd_det.errors import InputError

CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
IMAGES = [{"id": key, "file_name": f"{key}.png", "width": 100, "height": 80} for key in (1, 2)]


def coco(tmp_path, name, boxes, images=IMAGES, categories=CATEGORIES):
    """A file; ``boxes`` are (id, image, category, bbox) and keys of their own."""
    annotations = [
        {"id": key, "image_id": image, "category_id": category, "bbox": list(bbox), **(more[0] if more else {})}
        for key, image, category, bbox, *more in boxes
    ]
    content = {"images": images, "annotations": annotations, "categories": categories}
    return parse_coco(tmp_path / name, content)


@pytest.fixture
def noisy(tmp_path):
    boxes = [(1, 1, 1, (10, 10, 20, 20)), (2, 1, 1, (14, 10, 20, 20)), (3, 2, 2, (50, 40, 20, 20))]
    return coco(tmp_path, "noisy.json", [*boxes, (4, 2, 2, (5, 5, 9, 9), {"iscrowd": 1})])


def test_ids_decide_wherever_the_boxes_are(noisy, tmp_path):
    matched = match_trusted(noisy, coco(tmp_path, "trusted.json", [(1, 1, 1, (60, 50, 10, 10))]))
    assert matched.boxes == {1: (60, 50, 10, 10)}
    assert (matched.by_overlap, matched.unmatched, matched.other_class) == (0, (), ())


def test_other_ids_are_matched_one_to_one_so_that_all_fit_best(noisy, tmp_path):
    # Each alone would take the first annotation.
    boxes = [(71, 1, 1, (11, 10, 20, 20)), (72, 1, 1, (6, 10, 20, 20)), (73, 1, 2, (10, 10, 20, 20))]
    matched = match_trusted(noisy, coco(tmp_path, "trusted.json", boxes))
    assert matched.boxes == {2: (11, 10, 20, 20), 1: (6, 10, 20, 20)}
    assert (matched.by_overlap, matched.unmatched) == (2, (73,)), "of another class"


def test_images_and_classes_go_by_their_names(noisy, tmp_path):
    images = [{**IMAGES[1], "id": 9}]
    categories = [{"id": 5, "name": "dog"}]
    trusted = coco(tmp_path, "trusted.json", [(30, 9, 5, (52, 40, 20, 20))], images, categories)
    assert match_trusted(noisy, trusted).boxes == {3: (52, 40, 20, 20)}


def test_an_annotation_is_not_matched_twice(noisy, tmp_path):
    trusted = coco(tmp_path, "trusted.json", [(3, 2, 2, (50, 40, 20, 21)), (30, 2, 2, (50, 40, 20, 20))])
    matched = match_trusted(noisy, trusted)
    assert matched.boxes == {3: (50, 40, 20, 21)}
    assert matched.unmatched == (30,)


def test_a_box_under_an_id_may_have_another_class(noisy, tmp_path):
    matched = match_trusted(noisy, coco(tmp_path, "trusted.json", [(1, 1, 2, (10, 10, 20, 20))]))
    assert matched.boxes == {1: (10, 10, 20, 20)}
    assert matched.other_class == (1,)


@pytest.mark.parametrize(
    ("box", "match", "message"),
    [
        (
            (1, 2, 1, (10, 10, 5, 5)),
            None,
            "annotation 1: is of the image 2.png, but in .*noisy.json of 1.png: match by",
        ),
        ((9, 1, 1, (10, 10, 5, 5)), "ids", "annotation 9: .*noisy.json has no annotation of that id"),
        ((1, 1, 1, (10, 10, 0, 5)), None, r"annotation 1: its box cannot be trusted \(no area\): correct or remove it"),
        ((1, 1, 1, (200, 10, 5, 5)), None, r"annotation 1: its box cannot be trusted \(outside the image\)"),
        ((4, 2, 2, (5, 5, 9, 9)), None, r"annotation 4: .*noisy.json has it as one that takes no box \(crowd\)"),
    ],
)
def test_boxes_that_cannot_be_trusted_are_refused(noisy, tmp_path, box, match, message):
    with pytest.raises(InputError, match=f"trusted.json: {message}"):
        match_trusted(noisy, coco(tmp_path, "trusted.json", [box]), match)


def test_other_images_and_classes_are_refused(noisy, tmp_path):
    strange = [{**IMAGES[0], "file_name": "x.png"}]
    with pytest.raises(InputError, match=r"has boxes of images that .*noisy.json does not have: x.png"):
        match_trusted(noisy, coco(tmp_path, "trusted.json", [(1, 1, 1, (1, 1, 5, 5))], strange))
    with pytest.raises(InputError, match=r"has boxes of classes that .*noisy.json does not have: cow"):
        match_trusted(
            noisy, coco(tmp_path, "trusted.json", [(1, 1, 1, (1, 1, 5, 5))], categories=[{"id": 1, "name": "cow"}])
        )


def test_boxes_in_pixels_of_another_size_are_refused(noisy, tmp_path):
    images = [{**IMAGES[0], "width": 200, "height": 160}]
    message = r"trusted.json: image 1: 1.png has 200x160 pixels, but 100x80 in .*noisy.json: give boxes in pixels of"
    with pytest.raises(InputError, match=message):
        match_trusted(noisy, coco(tmp_path, "trusted.json", [(1, 1, 1, (10, 10, 20, 20))], images))
    others = [IMAGES[0], {**IMAGES[1], "width": 200}]  # of which no box is trusted
    trusted = coco(tmp_path, "trusted.json", [(1, 1, 1, (10, 10, 20, 20))], others)
    assert match_trusted(noisy, trusted).boxes == {1: (10, 10, 20, 20)}


def test_a_file_of_which_no_box_belongs_to_any_is_refused(noisy, tmp_path):
    trusted = coco(tmp_path, "trusted.json", [(71, 1, 1, (70, 60, 5, 5)), (72, 2, 1, (50, 40, 20, 20))])
    with pytest.raises(InputError, match=r"none of its boxes overlaps one of its class in .*noisy.json: give"):
        match_trusted(noisy, trusted)


def test_by_overlap_ids_mean_nothing(noisy, tmp_path):
    matched = match_trusted(noisy, coco(tmp_path, "trusted.json", [(1, 2, 2, (50, 42, 20, 20))]), "overlap")
    assert matched.boxes == {3: (50, 42, 20, 20)}


def test_where_some_boxes_are_flagged_they_alone_are_trusted(noisy, tmp_path):
    flagged = coco(tmp_path, "reviewed.json", [(1, 1, 1, (9, 9, 22, 22), {"trusted": True}), (3, 2, 2, (1, 1, 5, 5))])
    assert match_trusted(noisy, flagged).boxes == {1: (9, 9, 22, 22)}


@pytest.mark.parametrize("name", ["export/images/2.png", "export\\2.png"])
def test_images_may_be_in_other_folders_if_their_names_tell_them_apart(noisy, tmp_path, name):
    images = [{**IMAGES[1], "file_name": name}]
    box = (30, 2, 2, (52, 40, 20, 20))
    assert match_trusted(noisy, coco(tmp_path, "trusted.json", [box], images)).boxes == {3: (52, 40, 20, 20)}
    twins = [*images, {**IMAGES[1], "id": 3, "file_name": "other/2.png"}]
    boxes = [box, (31, 3, 2, (52, 40, 20, 20))]
    with pytest.raises(InputError, match="has boxes of images that"):
        match_trusted(noisy, coco(tmp_path, "trusted.json", boxes, twins))
    with pytest.raises(InputError, match="has boxes of images that"):
        match_trusted(
            coco(
                tmp_path,
                "noisy.json",
                [(3, 2, 2, (50, 40, 20, 20))],
                [{**IMAGES[1], "file_name": "a/2.png"}, {**IMAGES[1], "id": 3, "file_name": "b/2.png"}],
            ),
            coco(tmp_path, "trusted.json", [box], images),
        )
