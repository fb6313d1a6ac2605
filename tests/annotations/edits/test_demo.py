import hashlib

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.demo import HEIGHT, SHAPES, WIDTH, draw_demo_data
from ssd_det.errors import InputError
from tests.limits import files_of_at_most


def digest(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.rglob("*") if path.is_file()}


def test_the_same_seed_draws_the_same_files(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_demo_data(tmp_path / name, images=3, test_images=2, seed=seed)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert digest(tmp_path / "a") != digest(tmp_path / "c")


def test_boxes_lie_inside_images_and_classes_and_sizes_vary(tmp_path):
    coco, test = map(read_coco, draw_demo_data(tmp_path, images=30, test_images=2, seed=0))
    assert {image.id for image in test.images} == {31, 32}
    assert {annotation.category_id for annotation in coco.annotations} == set(range(1, len(SHAPES) + 1))
    for annotation in coco.annotations:
        x, y, width, height = annotation.bbox
        assert 0 <= x < x + width <= WIDTH
        assert 0 <= y < y + height <= HEIGHT
    areas = [a.bbox[2] * a.bbox[3] for a in coco.annotations]
    assert max(areas) > 8 * min(areas)


def test_no_images_and_no_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="images is 0"):
        draw_demo_data(tmp_path, images=0)
    with pytest.raises(InputError, match="test_images is 0"):
        draw_demo_data(tmp_path, test_images=0)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        draw_demo_data(tmp_path / "file")


def test_a_failure_leaves_nothing(tmp_path):
    (tmp_path / "train.json").write_text("mine")
    with pytest.raises(InputError, match=r"train\.json: exists already"):
        draw_demo_data(tmp_path, images=1, test_images=1)
    with files_of_at_most(1000), pytest.raises(InputError, match=r"new/images/0001\.png: cannot be written"):
        draw_demo_data(tmp_path / "deep" / "new", images=1, test_images=1)
    assert {path.name for path in tmp_path.rglob("*")} == {"train.json"}


def test_images_that_are_there_are_not_drawn_over(tmp_path):
    (tmp_path / "images").mkdir()
    own = tmp_path / "images" / "0002.png"
    own.write_bytes(b"mine")
    with pytest.raises(InputError, match=r"0002\.png: exists already: give another output, or --overwrite true"):
        draw_demo_data(tmp_path, images=1, test_images=1)
    assert own.read_bytes() == b"mine"
    assert {path.name for path in tmp_path.rglob("*")} == {"images", "0002.png"}
    draw_demo_data(tmp_path, images=1, test_images=1, overwrite=True)
    assert own.read_bytes() != b"mine"
