import pytest

from ssd_det.annotations import stored_sizes
from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.stored_sizes import check_stored_sizes
from ssd_det.errors import InputError

IMAGE = {"width": 40, "height": 30}
BOX = {"image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}


def check(path, root):
    coco = read_coco(path)
    check_stored_sizes(coco, resolve_images(coco, root)[0])


def test_an_image_of_another_size_is_named(make_coco, make_image, tmp_path):
    path = make_coco()
    make_image()
    check(path, tmp_path)
    make_image(width=20, height=15)
    with pytest.raises(InputError, match=r"a\.png: image 1 is 20x15, but the annotation file says 40x30: correct"):
        check(path, tmp_path)


def test_an_image_whose_header_cannot_be_read_is_named(make_coco, tmp_path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.png: image 1 does not decode"):
        check(make_coco(), tmp_path)


def test_an_image_that_is_not_read_may_be_of_any_size(make_coco, make_image, tmp_path):
    make_image(width=20, height=15)
    check(make_coco(annotations=[{**BOX, "id": 5, "iscrowd": 1}]), tmp_path)


def test_of_very_many_images_some_are_looked_at(make_coco, make_image, tmp_path, monkeypatch):
    names = [f"{number}.png" for number in range(7)]
    for number, name in enumerate(names):
        make_image(name, width=20 if number % 3 == 1 else 40)
    path = make_coco(
        images=[{**IMAGE, "id": number, "file_name": name} for number, name in enumerate(names)],
        annotations=[{**BOX, "id": number, "image_id": number} for number in range(7)],
    )
    monkeypatch.setattr(stored_sizes, "MOST_FILES", 3)
    check(path, tmp_path)
    monkeypatch.setattr(stored_sizes, "MOST_FILES", 7)
    with pytest.raises(InputError, match=r"1\.png: image 1 is 20x30"):
        check(path, tmp_path)
