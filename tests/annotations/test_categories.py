import pytest

from ssd_det.annotations.categories import with_classes_of
from ssd_det.annotations.coco import Category, parse_coco
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.errors import InputError
from tests.annotations.formats.folders import make_voc, make_yolo

KNOWN = [Category(1, "Käfer"), Category(2, "bee"), Category(3, "dog")]


def parsed(tmp_path, categories):
    annotations = [
        {"id": key, "image_id": 1, "category_id": key, "bbox": [1, 1, 5, 5]} for key, _ in categories
    ]  # fmt: skip
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
        "annotations": annotations,
        "categories": [{"id": key, "name": name} for key, name in categories],
    }
    return parse_coco(tmp_path / "a.json", content)


def test_classes_of_a_folder_are_matched_by_name_and_some_may_have_no_object(tmp_path):
    coco = read_annotations(make_voc(tmp_path / "voc", ["utf-8"]))
    assert [category.id for category in coco.categories] == [1, 2]
    matched = with_classes_of(coco, "train", KNOWN)
    assert matched.categories == KNOWN
    assert [annotation.category_id for annotation in matched.annotations] == [1, 3, 3]
    assert matched.content is coco.content


def test_the_numbers_of_another_data_yaml_do_not_matter(tmp_path):
    coco = read_annotations(make_yolo(tmp_path / "yolo", "train: images\nnames: [no, cat]\n"))
    matched = with_classes_of(coco, "train", [Category(0, "cat"), Category(1, "no")])
    assert [a.category_id for a in matched.annotations] == [1 - a.category_id for a in coco.annotations]


def test_a_class_that_was_not_trained_on_is_named(tmp_path):
    coco = read_annotations(make_voc(tmp_path / "voc", ["utf-8"]))
    with pytest.raises(InputError, match=r"voc: has classes that train does not have: Käfer: use data that belongs"):
        with_classes_of(coco, "train", KNOWN[1:])


def test_a_json_with_the_same_names_is_matched_and_one_that_lacks_some_is_not(tmp_path):
    coco = parsed(tmp_path, [(5, "dog"), (7, "Käfer"), (8, "bee")])
    assert [a.category_id for a in with_classes_of(coco, "train", KNOWN).annotations] == [3, 1, 2]
    for categories in ([(1, "Käfer"), (2, "bee")], [(1, "Käfer"), (2, "cow"), (3, "dog")]):
        with pytest.raises(InputError, match="has other categories than train"):
            with_classes_of(parsed(tmp_path, categories), "train", KNOWN)


def test_names_that_several_classes_have_match_nothing(tmp_path):
    coco = parsed(tmp_path, [(1, "dog"), (2, "dog")])
    assert with_classes_of(coco, "train", [Category(1, "dog"), Category(2, "dog")]) is coco
    with pytest.raises(InputError, match="has other categories than train"):
        with_classes_of(coco, "train", [Category(1, "dog"), Category(3, "dog")])
