"""Annotations that are read together with where their images are."""

import pytest
from PIL import Image

from ssd_det.annotations.formats.with_images import read_with_images
from ssd_det.errors import InputError
from ssd_det.main import main

ENTRY = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}
IMAGES = [
    {"id": 1, "file_name": "a.png", "width": 40, "height": 30},
    {"id": 2, "file_name": "big.png", "width": 2000, "height": 1500},
]


@pytest.fixture
def big(tmp_path, make_image, monkeypatch):
    """A folder of images, one of more pixels than are read."""
    make_image("a.png")
    make_image("big.png", 2000, 1500)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    return str(tmp_path)


def test_an_image_with_objects_that_is_too_large_is_named_before_a_training_comes_to_it(big, make_coco):
    noisy = str(make_coco(images=IMAGES, annotations=[ENTRY, {**ENTRY, "id": 6, "image_id": 2}]))
    with pytest.raises(InputError, match=r"big\.png: has 3 megapixels, more than 2: cut it into tiles\.$"):
        read_with_images(noisy, big)


def test_one_without_objects_is_no_hindrance(big, make_coco):
    assert set(read_with_images(str(make_coco(images=IMAGES)), big)[1]) == {1, 2}


def test_a_size_that_is_not_that_of_the_file_is_not_believed(big, make_coco):
    noisy = str(make_coco(images=[{**IMAGES[1], "id": 1, "file_name": "a.png"}]))
    assert set(read_with_images(noisy, big)[1]) == {1}


def test_init_names_it(big, make_coco, tmp_path, capsys):
    noisy = make_coco(images=IMAGES, annotations=[{**ENTRY, "image_id": 2}])
    words = [f"--annotations={noisy}", f"--image_root={big}", f"--output={tmp_path / 'mine'}", "--skip_timing"]
    assert main(["init", *words]) == 2
    assert "big.png: has 3 megapixels, more than 2: cut it into tiles." in capsys.readouterr().err
    assert not (tmp_path / "mine").exists()


def test_the_way_to_leave_missing_images_out_is_named_where_some_are_there(make_image, make_coco, tmp_path):
    noisy = str(make_coco(images=IMAGES))
    how = "or give skip_missing_images to leave these images out"
    with pytest.raises(InputError, match=r"2 of 2 image files .*: correct image_root or file_name\.$"):
        read_with_images(noisy, str(tmp_path), skip_missing_images=True)
    make_image("a.png")
    with pytest.raises(InputError, match=f"1 of 2 image files .*: correct image_root or file_name, {how}.$"):
        read_with_images(noisy, str(tmp_path))
