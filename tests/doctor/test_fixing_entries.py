"""What ``--fix`` does to ids, names, missing boxes, rotated boxes and image entries."""

import copy
import math

import pytest
from PIL import Image

from ssd_det.annotations.coco import parse_coco
from ssd_det.doctor.entry_ids import number_entries, whole_numbers
from ssd_det.doctor.examination import examine, fix_faults
from tests.annotation_content import clean_content


def fixed_content(content, image_root=None):
    return fix_faults(content, examine(content, image_root)).content


@pytest.mark.parametrize(
    "function", [str, "{:032x}".format, lambda number: number + 0.5, lambda number: 2**70 + number]
)
def test_renumbered_entries_are_referred_to_by_the_same_annotations(tmp_path, function):
    content = clean_content()
    names = [
        (content["images"][e["image_id"] - 1]["file_name"], e["category_id"], e["bbox"]) for e in content["annotations"]
    ]
    for group in ("images", "annotations", "categories"):
        for entry in content[group]:
            entry.update({key: function(entry[key]) for key in ("id", "image_id", "category_id") if key in entry})
    original = copy.deepcopy(content)
    coco = parse_coco(tmp_path, fixed_content(content))
    image_of = {image.id: image.file_name for image in coco.images}
    name_of = {category.id: 1 + (category.name == "dog") for category in coco.categories}
    found = [(image_of[a.image_id], name_of[a.category_id], list(a.bbox)) for a in coco.annotations]
    assert found == names
    assert content == original


def test_texts_become_the_numbers_that_they_write():
    content = clean_content()
    original = copy.deepcopy(content)
    for group in ("images", "annotations", "categories"):
        for entry in content[group]:
            entry.update({key: str(entry[key]) for key in ("id", "image_id", "category_id") if key in entry})
    assert fixed_content(content) == original


@pytest.mark.parametrize(
    ("ids", "references", "new_ids", "new_references"),
    [
        ([1, "1"], [1, "1"], [1, 2], [1, 2]),  # two entries stay two
        (["01", "1"], ["1", "01", 1], [2, 1], [1, 2, 1]),
        (["a", "b"], ["b", 1, "7"], [2, 3], [3, 1, 7]),  # no entry gets an id that something else refers to
        (["a", "a"], ["a"], [1, 1], [1]),
        ([3, None, True], [None, True, 3], [3, 1, 2], [None, None, 3]),
    ],
)
def test_ids_are_never_merged_and_references_never_invented(ids, references, new_ids, new_references):
    entries, referring = [{"id": i} for i in ids], [{"image_id": r} for r in references]
    numbered = number_entries(entries, whole_numbers(ids), referring, "image_id", whole_numbers(references))
    assert numbered.ids.tolist() == new_ids
    found = [number if number >= 0 else None for number in numbered.references.tolist()]
    assert found == new_references


def test_a_text_that_is_no_id_stays_an_unknown_image():
    content = clean_content()
    content["annotations"][0]["image_id"] = "4"
    fixed = fix_faults(content, examine(content))
    assert [fault.kind for fault in fixed.left.faults] == ["unknown-image"]
    assert fixed.content == content


def test_annotations_without_an_id_are_numbered_and_0_becomes_another():
    content = clean_content()
    del content["annotations"][0]["id"]
    content["annotations"][1]["id"] = 0
    content["annotations"][2]["id"] = None
    ids = [entry["id"] for entry in fixed_content(content)["annotations"]]
    assert len(set(ids)) == 9
    assert 0 not in ids
    assert ids[3:] == [20, 21, 22, 30, 31, 32]


@pytest.mark.parametrize(("name", "text"), [(1, "1"), (2.5, "2.5")])
def test_a_number_as_a_name_becomes_its_text(name, text):
    content = clean_content()
    content["categories"][0]["name"] = name
    assert fixed_content(content)["categories"] == [{"id": 1, "name": text}, {"id": 2, "name": "dog"}]


def test_a_missing_box_is_taken_from_polygons_and_annotations_that_say_nothing_go():
    content = clean_content()
    boxes = [entry["bbox"] for entry in content["annotations"]]
    del content["annotations"][0]["bbox"]
    content["annotations"][1]["bbox"] = []
    content["annotations"][2]["bbox"] = [0, 0, 0, 0]
    content["annotations"][3].update(bbox=[], segmentation=[])
    content["annotations"][4].update(bbox=None, segmentation=None, keypoints=[3, 4, 2])
    fixed = fix_faults(content, examine(content))
    assert fixed.done == {"box-from-polygons": 3, "empty-annotation": 1}
    found = {entry["id"]: entry.get("bbox") for entry in fixed.content["annotations"]}
    assert [found[number] for number in (10, 11, 12)] == boxes[:3]
    assert 20 not in found
    assert found[21] is None  # its keypoints say where it is
    assert [fault.kind for fault in fixed.left.faults] == ["bad-box"]


def test_the_box_around_a_rotated_one_is_taken_and_what_it_was_is_kept():
    content = clean_content()
    for entry in content["annotations"]:
        del entry["segmentation"], entry["area"]
    first, second, third = content["annotations"][:3]
    first.update(bbox=[60, 40, 40, 20], attributes={"occluded": True, "rotation": 30.0})
    second.update(bbox=[60, 40, 30, 10], rotation=90)
    third["attributes"] = {"rotation": 0.0}
    original = copy.deepcopy(content)
    examination = examine(content)
    assert examination.passed_through == {"rotated": 2}
    fixed = fix_faults(content, examination)
    first, second, *others = fixed.content["annotations"]
    width, height = (20 * math.sqrt(3) + 10, 20 + 10 * math.sqrt(3))
    assert first["bbox"] == pytest.approx([80 - width / 2, 50 - height / 2, width, height], abs=1e-5)
    assert first["attributes"] == {"occluded": True, "rotation": 0}
    assert first["rotated_bbox"] == [60, 40, 40, 20, 30.0]
    assert second["bbox"] == pytest.approx([50, 40, 10, 30])  # about its first corner
    assert (second["rotation"], second["rotated_bbox"]) == (0, [60, 40, 30, 10, 90])
    assert others == original["annotations"][2:]
    assert fixed.left.faults == []
    assert fixed.left.passed_through == {}
    assert content == original


def one_image_each(content):
    images = {image["id"]: image for image in content["images"]}
    numbered = list(enumerate(content["annotations"], 1))
    content["images"] = [{**images[entry["image_id"]], "id": number} for number, entry in numbered]
    for number, entry in numbered:
        entry["image_id"] = number
    return content


def test_images_that_were_made_for_one_object_each_become_one():
    content = one_image_each(clean_content())
    fixed = fix_faults(content, examine(content))
    assert fixed.done == {"image-per-object": 6}
    assert [image["id"] for image in fixed.content["images"]] == [1, 4, 7]
    assert [entry["image_id"] for entry in fixed.content["annotations"]] == [1, 1, 1, 4, 4, 4, 7, 7, 7]
    assert fixed.left.faults == []


@pytest.mark.parametrize(
    "different",
    [
        lambda content: content["images"][1].update(height=90),
        lambda content: content["images"][1].update(date_captured="later"),
        lambda content: content["annotations"][1].update(image_id=1),
    ],
)
def test_images_that_may_be_different_pictures_are_never_joined(different):
    content = one_image_each(clean_content())
    different(content)
    original = copy.deepcopy(content)
    fixed = fix_faults(content, examine(content))
    (fault,) = [fault for fault in fixed.left.faults if fault.kind == "repeated-file-name"]
    assert fixed.content == original
    assert "own" in fault.details.advice
    assert "Merge" not in fault.details.advice


def test_images_are_joined_only_if_their_file_exists(tmp_path):
    content = one_image_each(clean_content())
    kinds = {fault.kind for fault in examine(content, tmp_path).faults}
    assert kinds == {"repeated-file-name", "missing-file"}
    (tmp_path / "sub").mkdir()
    for number in (1, 2, 3):
        Image.new("RGB", (200, 100)).save(tmp_path / f"sub/{number}.png")
    fixed = fix_faults(content, examine(content, tmp_path))
    assert fixed.done == {"image-per-object": 6}
    assert fixed.left.faults == []
