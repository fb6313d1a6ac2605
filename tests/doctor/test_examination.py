"""Every kind of fault is planted and found, and no other; a clean file has none."""

import copy

import pytest

from ssd_det.doctor.examination import examine, fix_faults
from ssd_det.doctor.faults import KINDS
from tests.annotation_content import clean_content

NAN, INFINITY = float("nan"), float("inf")
YOLO_KINDS = {
    "bad-row",
    "ambiguous-row",
    "unknown-class",
    "not-shares",
    "outside-shares",
    "shared-labels",
    "class-count",
    "class-numbers",
    "wide-encoding",
    "mixed-rows",
    "further-columns",
    "orphan-labels",
    "no-labels",
    "stray-labels",
    "unusual-suffix",
    "missing-split",
    "no-val",
}
FOLDER_KINDS = {"unusable-folder"}
FILE_KINDS = {
    "missing-file", "shared-file", "unreadable-file", "rotated-size", "rotated-masks", "size-mismatch", "resized-file",
    "other-format", "unnamed-file", "outside-file", "ambiguous-name", "size-from-file",
    "huge-image", "turned-photo", "bad-xml", "unknown-size", "bad-object", "stale-filename", "renamed-image",
    "size-from-image", "counts-from-zero",
}  # fmt: skip


def kinds(content):
    return {fault.kind: fault.count for fault in examine(content).faults}


def first_annotation(**parts):
    """A change of the first annotation; ``None`` removes a key."""

    def change(content):
        entry = {**content["annotations"][0], **parts}
        content["annotations"][0] = {key: value for key, value in entry.items() if value is not None}

    return change


def first_box(box):
    """Another first box, without area and segmentation that could contradict it."""
    return first_annotation(bbox=box, area=None, segmentation=None)


def first_image(**parts):
    return lambda content: content["images"][0].update(parts)


def first_category(**parts):
    return lambda content: content["categories"][0].update(parts)


def every_annotation(**parts):
    def change(content):
        for entry in content["annotations"]:
            entry.update(parts)

    return change


def all_ids_as(function):
    """Every id another one, and all that refers to it."""

    def change(content):
        for group in ("images", "annotations", "categories"):
            for entry in content[group]:
                entry.update({key: function(entry[key]) for key in ("id", "image_id", "category_id") if key in entry})

    return change


def an_image_for_each_object(content):
    """An image entry of its own for every annotation, as some converters write them."""
    images = {image["id"]: image for image in content["images"]}
    entries = enumerate(content["annotations"], 1)
    content["images"] = [{**images[entry["image_id"]], "id": number} for number, entry in entries]
    for number, entry in enumerate(content["annotations"], 1):
        entry["image_id"] = number


def added(group, *entries):
    return lambda content: content[group].extend(entries)


def emptied(group):
    return lambda content: content.update({group: []})


def every_box(function):
    def change(content):
        for entry in content["annotations"]:
            entry["bbox"] = function(*entry["bbox"])
            del entry["area"], entry["segmentation"]

    return change


def crowded(content):
    """Give the first category 300 more boxes, all different."""
    content["annotations"] += [
        {"id": 100 + i, "image_id": 1, "category_id": 1, "bbox": [i % 20 * 9, i // 20 * 6, 6, 4]} for i in range(300)
    ]


TWIN = {"id": 99, "image_id": 1, "category_id": 1, "bbox": [1, 12, 30, 41]}
PLANTED = [
    (emptied("annotations"), {"no-entries": 1}),
    (added("annotations", 7, None), {"malformed-entry": 2}),
    (first_annotation(id="five"), {"text-id": 1}),
    (first_annotation(image_id="1"), {"text-id": 1}),
    (first_category(id="1"), {"text-id": 1}),
    (all_ids_as(str), {"text-id": 14}),
    (all_ids_as("{:032x}".format), {"text-id": 14}),
    (first_annotation(id=None), {"bad-id": 1}),
    (first_annotation(id=""), {"bad-id": 1}),
    (first_annotation(id=2**63), {"bad-id": 1}),
    (all_ids_as(lambda number: number + 0.5), {"bad-id": 14}),
    (first_annotation(id=0), {"id-zero": 1}),
    (first_annotation(id=11), {"reused-annotation-id": 1}),
    (
        added("images", {"id": 1, "file_name": "b.png", "width": 9, "height": 9}),
        {"reused-image-id": 1, "empty-image": 1},
    ),
    (added("categories", {"id": 1, "name": "cow"}), {"reused-category-id": 1, "empty-category": 1}),
    (first_annotation(image_id=8), {"unknown-image": 1}),
    (first_annotation(image_id="none"), {"unknown-image": 1}),
    (every_annotation(image_id=8), {"unknown-image": 9}),
    (every_annotation(category_id=8), {"unknown-category": 9}),
    (first_annotation(category_id=True), {"unknown-category": 1}),
    (first_box([1, 2, 3]), {"bad-box": 1}),
    (first_box([1, 2, NAN, 4]), {"bad-box": 1}),
    (first_box([1, 2, "3", 4]), {"bad-box": 1}),
    (first_box([1, 2, 10**400, 4]), {"bad-box": 1}),
    (first_box([]), {"empty-annotation": 1}),
    (first_box(None), {"empty-annotation": 1}),
    (first_box([0, 0, 0, 0]), {"empty-annotation": 1}),
    (first_annotation(bbox=[], area=None, segmentation={"size": [9, 9], "counts": "1"}), {"bad-box": 1}),
    (first_annotation(bbox=[]), {"box-from-polygons": 1}),
    (first_annotation(bbox=[1, 12, 0, 0], area=None), {"box-from-polygons": 1}),
    (
        first_annotation(attributes={"rotation": 30.5}, bbox=[60, 30, 30, 41], area=None, segmentation=None),
        {"rotated-box": 1},
    ),
    (first_annotation(rotation=90, area=None, segmentation=None, bbox=[60, 12, 30, 41]), {"rotated-box": 1}),
    (first_annotation(attributes={"rotation": 360.0}), {}),
    (first_annotation(true_bbox=[1]), {"bad-earlier-box": 1}),
    (first_annotation(refined_from=[1]), {"bad-earlier-box": 1}),
    (first_image(file_name=""), {"bad-file-name": 1}),
    (first_image(width=0), {"bad-image-size": 1}),
    (first_image(height=INFINITY), {"bad-image-size": 1}),
    (first_category(name=None), {"bad-category-name": 1}),
    (first_category(name=True), {"bad-category-name": 1}),
    (first_category(name=1), {"number-as-name": 1}),
    (every_box(lambda x, y, w, h: [x / 200, y / 100, w / 200, h / 100]), {"normalised-boxes": 9}),
    (
        every_box(lambda x, y, w, h: [(x + w / 2) / 200, (y + h / 2) / 100, w / 200, h / 100]),
        {"normalised-boxes": 9},
    ),
    (every_box(lambda x, y, w, h: [x + 60, y + 40, x + 60 + w, 100]), {"corners-as-boxes": 9}),
    (first_box([31, 53, -30, -41]), {"negative-size": 1}),
    (first_image(file_name="sub\\1.png"), {"backslash-in-name": 1}),
    (first_image(file_name="sub/2.png"), {"repeated-file-name": 1}),
    (an_image_for_each_object, {"image-per-object": 6}),
    (first_category(name="dog"), {"repeated-category-name": 1}),
    (first_annotation(iscrowd="0"), {"text-flag": 1}),
    (first_annotation(difficult=2), {"bad-flag": 1}),
    (first_annotation(iscrowd=[1]), {"bad-flag": 1}),
    (first_box([1, 12, 0, 41]), {"zero-size": 1}),
    (first_box([201, 12, 30, 41]), {"outside-image": 1}),
    (first_box([1, -42, 30, 41]), {"outside-image": 1}),
    (first_box([-5, 12, 30, 41]), {"beyond-image": 1}),
    (first_box([-0.9, 12, 30, 41]), {}),
    (
        first_annotation(bbox=[-5, 12, 36, 41], area=1476, segmentation=[[-5, 12, 31, 12, 31, 53, -5, 53]]),
        {"beyond-image": 1},
    ),
    (added("annotations", TWIN), {"exact-duplicate": 1}),
    (added("annotations", {**TWIN, "category_id": 2}), {}),
    (added("annotations", {**TWIN, "iscrowd": 1}), {"near-duplicate": 1}),
    (added("annotations", {**TWIN, "bbox": [1.3, 12, 30, 41]}), {"near-duplicate": 1}),
    (added("annotations", {**TWIN, "bbox": [3, 12, 30, 41]}), {}),
    (first_annotation(area=10), {"wrong-area": 1}),
    (first_annotation(area="1230"), {"wrong-area": 1}),
    (first_annotation(area=NAN), {"wrong-area": 1}),
    (first_annotation(segmentation=None, area=1300), {"wrong-area": 1}),
    (first_annotation(segmentation=None, area=900), {}),
    (first_annotation(segmentation=[[1, 12, 31, 12, 31]]), {"bad-segmentation": 1}),
    (first_annotation(segmentation="here"), {"bad-segmentation": 1}),
    (first_annotation(segmentation=[[1, 12, 34, 12, 34, 53, 1, 53]]), {"segmentation-outside-box": 1}),
    (first_annotation(segmentation={"size": [100, 200], "counts": "x"}), {}),
    (first_box([1, 12, 1.5, 41]), {"tiny": 1}),
    (first_box([0, 0.5, 200, 99]), {"whole-image": 1}),
    (crowded, {"rare-category": 1}),
    (added("categories", {"id": 3, "name": "cow"}), {"empty-category": 1}),
    (added("images", {"id": 4, "file_name": "4.png", "width": 9, "height": 9}), {"empty-image": 1}),
]


def test_a_clean_file_has_no_faults():
    examination = examine(clean_content())
    assert examination.faults == []
    assert examination.clean
    assert examination.counts == {"images": 3, "annotations": 9, "categories": 2}
    assert examination.per_category == {"cat": 6, "dog": 3}
    assert examination.passed_through == {}


@pytest.mark.parametrize(("plant", "expected"), PLANTED)
def test_planted_faults_are_found_and_no_others(plant, expected):
    content = clean_content()
    plant(content)
    original = copy.deepcopy(content)
    assert kinds(content) == expected
    assert repr(content) == repr(original)


def test_every_kind_of_fault_is_planted_here_or_with_files():
    planted = {kind for _, expected in PLANTED for kind in expected}
    assert planted | FILE_KINDS | FOLDER_KINDS | YOLO_KINDS == set(KINDS)


@pytest.mark.parametrize(("plant", "expected"), PLANTED)
def test_a_fixed_file_has_the_faults_that_cannot_be_fixed_and_no_others(plant, expected):
    content = clean_content()
    plant(content)
    fixed = fix_faults(content, examine(content))
    fixable = {kind: count for kind, count in expected.items() if KINDS[kind].fixable}
    assert fixed.done == fixable
    left = {fault.kind: fault.count for fault in examine(fixed.content).faults}
    assert left == {kind: count for kind, count in expected.items() if kind not in fixable}
    if not fixable:
        assert repr(fixed.content) == repr(content)


def test_annotations_that_refining_leaves_unchanged_are_counted():
    content = clean_content()
    for entry, parts in zip(
        content["annotations"],
        ({"iscrowd": 1}, {"difficult": "1"}, {"bbox": [4, 5, 0, 12]}, {"bbox": [4, -9, 3, 9]}, {"iscrowd": "0"}),
        strict=False,
    ):
        entry.update(parts)
    assert examine(content).passed_through == {"crowd": 1, "difficult": 1, "no area": 1, "outside the image": 1}


def test_examples_are_the_first_ten_and_show_the_faulty_values():
    content = clean_content()
    content["annotations"] *= 3
    fault = next(fault for fault in examine(content).faults if fault.kind == "exact-duplicate")
    assert fault.count == 18
    assert len(fault.examples) == 10
    assert fault.examples[0] == {
        "list": "annotations",
        "place": 9,
        "annotation": 10,
        "file_name": "sub/1.png",
        "bbox": [1, 12, 30, 41],
    }
