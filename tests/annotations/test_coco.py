import json

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError

IMAGE = {"id": 1, "file_name": "a.png", "width": 40, "height": 30}
BOX = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}


def test_files_as_people_have_them_are_read(make_coco):
    coco = read_coco(
        make_coco(
            images=[{"id": 0, "file_name": "ä/ö.png", "width": 40.0, "height": 30, "licence": None}],
            annotations=[{"id": 7.0, "image_id": 0, "category_id": 90, "bbox": [1, 2.5, 3, 4], "who": {"a": 1}}],
            categories=[{"id": 90, "name": "zebra"}, {"id": 4, "name": "ant", "supercategory": "insect"}],
            extra=[1, 2],
        )
    )
    assert coco.images[0] == (0, "ä/ö.png", 40, 30)
    annotation = coco.annotations[0]
    assert (annotation.id, annotation.image_id, annotation.category_id) == (7, 0, 90)
    assert annotation.bbox == (1, 2.5, 3, 4)
    assert not annotation.crowd
    assert [category.name for category in coco.categories] == ["ant", "zebra"]


def test_a_byte_order_mark_is_skipped(make_coco):
    path = make_coco()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_coco(path).annotations) == 1


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        ({"iscrowd": 1}, "crowd"),
        ({"difficult": 1}, "difficult"),
        ({"difficult": 0}, None),
        ({"difficult": "0"}, None),
        ({"difficult": "1"}, "difficult"),
        ({"iscrowd": "False"}, None),
        ({"bbox": [4, 5, 0, 12]}, "no area"),
        ({"bbox": [4, 5, 3, -1]}, "no area"),
        ({"bbox": [4, 5, 1e-6, 3]}, "no area"),
        ({"bbox": [40, 5, 3, 3]}, "outside the image"),
        ({"bbox": [4, -9, 3, 9]}, "outside the image"),
        ({"bbox": [39, 29, 3, 3]}, None),
    ],
)
def test_boxes_that_cannot_be_refined_have_a_reason(make_coco, parts, reason):
    coco = read_coco(make_coco(annotations=[{**BOX, **parts}]))
    assert coco.why_unusable(coco.annotations[0]) == reason


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"images": None}, r"noisy\.json: is json but not COCO: add the key images"),
        ({"categories": {}}, "not COCO: add the key categories"),
        ({"annotations": [7]}, r"annotations\[0\] is 7: give an object"),
        ({"images": []}, "there are no images"),
        ({"annotations": []}, "there are no annotations"),
        ({"categories": []}, "there are no categories"),
        ({"images": [IMAGE, IMAGE]}, "image id 1 is used more than once"),
        ({"annotations": [BOX, {**BOX, "id": 5.0}]}, "annotation id 5 is used more than once"),
        ({"categories": [{"id": 3, "name": "a"}, {"id": 3, "name": "b"}]}, "category id 3 is used more than once"),
        ({"annotations": [{**BOX, "image_id": 2}]}, "annotation 5: image_id 2 is not among the file's images"),
        ({"annotations": [{**BOX, "category_id": 8}]}, "annotation 5: category_id 8 is not among the file's cat"),
        ({"annotations": [{**BOX, "bbox": [1, 2, 3]}]}, r"annotation 5: bbox is \[1, 2, 3\]: give 4 finite"),
        ({"annotations": [{**BOX, "bbox": [1, 2, "3", 4]}]}, "annotation 5: bbox is .*: give 4 finite numbers"),
        ({"annotations": [{**BOX, "bbox": [1, 2, float("nan"), 4]}]}, "annotation 5: bbox is .*NaN.*: give 4 finite"),
        ({"annotations": [{**BOX, "bbox": [1, 2, 10**400, 4]}]}, "annotation 5: bbox is .*: give 4 finite numbers"),
        ({"annotations": [{**BOX, "bbox": [1, 2, True, 4]}]}, "annotation 5: bbox is .*: give 4 finite numbers"),
        ({"annotations": [{**BOX, "bbox": None}]}, "annotation 5: bbox is missing: give 4 finite numbers"),
        ({"annotations": [{**BOX, "true_bbox": [1]}]}, "annotation 5: true_bbox is .*: give 4 finite numbers"),
        (
            {"annotations": [{**BOX, "original_bbox": "old"}]},
            "annotation 5: original_bbox is .*: give 4 finite numbers",
        ),
        ({"annotations": [{**BOX, "bbox": [1, 1, 1e300, 4]}]}, "annotation 5: bbox is .*: give 4 finite numbers"),
        ({"annotations": [{**BOX, "id": "five"}]}, r'annotations\[0\]: id is "five": give a whole number'),
        ({"annotations": [{**BOX, "id": 5.5}]}, r"annotations\[0\]: id is 5\.5: give a whole number"),
        ({"annotations": [{**BOX, "id": float("inf")}]}, r"annotations\[0\]: id is Infinity: give a whole number"),
        ({"annotations": [{**BOX, "id": 2**64}]}, "give a number that fits 64 bits"),
        ({"images": [{**IMAGE, "file_name": ""}]}, "image 1: file_name is"),
        ({"images": [{**IMAGE, "width": None}]}, "image 1: width is missing: give a whole number"),
        ({"images": [{**IMAGE, "height": 0}]}, "image 1: its size is 40x0"),
    ],
)
def test_bad_files_are_refused_in_one_sentence(make_coco, parts, message):
    with pytest.raises(InputError, match=message):
        read_coco(make_coco(**parts))


def test_missing_and_unreadable_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.json: there is no such file"):
        read_coco(tmp_path / "none.json")
    with pytest.raises(InputError, match="is a folder, not a regular file"):
        read_coco(tmp_path)
    for content in (b"{", b"\xff\xfe{", b"9" * 5000):
        (tmp_path / "bad.json").write_bytes(content)
        with pytest.raises(InputError, match=r"bad\.json: is not json"):
            read_coco(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text(json.dumps([1]))
    with pytest.raises(InputError, match="the top level must be an object"):
        read_coco(tmp_path / "list.json")


@pytest.mark.parametrize("name", ["a.png", "b/a.png", "/data/somewhere/b/a.png", "upload/b/a.png"])
def test_images_are_found_under_prefixes_and_subfolders(make_coco, make_image, tmp_path, name):
    image = make_image("images/a.png" if name == "a.png" else "images/b/a.png")
    coco = read_coco(make_coco(images=[{**IMAGE, "file_name": name}]))
    found, missing = resolve_images(coco, tmp_path / "images")
    assert found == {1: image}
    assert not missing


def test_two_names_that_lead_to_one_file_are_refused(make_coco, make_image, tmp_path):
    make_image("images/a.png")
    images = [{**IMAGE, "id": key, "file_name": name} for key, name in ((1, "train/a.png"), (2, "val/a.png"))]
    with pytest.raises(InputError, match=r"image 2: val/a\.png and train/a\.png both lead to"):
        resolve_images(read_coco(make_coco(images=images)), tmp_path / "images")


def test_missing_images_and_folders_are_named(make_coco, tmp_path):
    coco = read_coco(make_coco())
    assert [image.id for image in resolve_images(coco, tmp_path)[1]] == [1]
    with pytest.raises(InputError, match="there is no such folder"):
        resolve_images(coco, tmp_path / "nowhere")


def test_first_of_stops_at_ten():
    assert first_of(range(12)).endswith("8, 9 and 2 more")
