"""Training on several image entries of one file is warned of, once."""

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.repeated_images import repeated_file_names
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.main import main

WARNING = "2 image entries share 1 file names (2 are of a.png), so the objects of one entry count as background"


@pytest.fixture
def one_image_each(make_coco, make_image):
    """A file with an image entry for each of two objects of one picture."""
    make_image()
    make_image("b.png")
    return make_coco(
        images=[{"id": i, "file_name": "b.png" if i == 3 else "a.png", "width": 40, "height": 30} for i in (1, 2, 3)],
        annotations=[{"id": i, "image_id": i, "category_id": 3, "bbox": [4 * i, 5, 10, 12]} for i in (1, 2, 3)],
    )


def test_names_of_several_images_are_counted(one_image_each, make_coco):
    assert repeated_file_names(read_coco(one_image_each)) == {"a.png": 2}
    assert repeated_file_names(read_coco(make_coco())) == {}


def test_training_warns_once_on_standard_error(one_image_each, make_coco, tmp_path, capsys):
    data = RefineDataModule(str(one_image_each), str(tmp_path))
    data.setup("fit")
    data.train_dataloader()
    printed = capsys.readouterr()
    assert printed.err.count(WARNING) == 1
    assert printed.out == ""
    RefineDataModule(str(make_coco("sound.json")), str(tmp_path)).setup("fit")
    assert capsys.readouterr().err == ""


def test_init_warns_once(one_image_each, tmp_path, capsys):
    words = ["init", f"--annotations={one_image_each}", f"--image_root={tmp_path}", f"--output={tmp_path / 'new'}"]
    assert main([*words, "--skip_timing"]) == 0
    assert capsys.readouterr().err.count(WARNING) == 1
