import json

import pytest
import torch
from torchvision.io import read_image

from ssd_det.annotations.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.report.pictures import draw_pictures


def test_before_and_after_stand_beside_each_other(demo, tmp_path):
    content = json.loads((demo / "noisy.json").read_text())
    for entry in content["annotations"]:
        moved = entry["image_id"] == 4
        entry["original_bbox"] = entry["bbox"]
        entry["bbox"] = entry["true_bbox"] if moved else entry["bbox"]
        entry["refine_iou"] = 0.5 if moved else 1.0
    (tmp_path / "refined.json").write_text(json.dumps(content))
    paths = draw_pictures(read_coco(tmp_path / "refined.json"), demo / "images", tmp_path / "new" / "pictures", 2)
    assert paths[0].name == "01_0004.png"
    assert len(paths) == 2
    picture = read_image(str(paths[0]))
    assert picture.shape == (3, 480, 2 * 640 + 8)
    blue = torch.tensor([0, 114, 178], dtype=torch.uint8)[:, None, None]
    is_blue = (picture == blue).all(0)
    assert is_blue[:, 648:].any()
    assert not is_blue[:, :640].any()


def test_boxes_that_reach_far_out_of_their_image_are_drawn_as_far_as_it_goes(make_coco, make_image, tmp_path):
    make_image("images/a.png")
    box = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [20, 10, 1e9, 1e9]}
    coco = read_coco(make_coco(images=[{"id": 1, "file_name": "a.png", "width": 40, "height": 30}], annotations=[box]))
    (path,) = draw_pictures(coco, tmp_path / "images", tmp_path / "pictures", 1)
    picture = read_image(str(path))
    assert picture.shape == (3, 480, 2 * 640 + 8)
    orange = torch.tensor([213, 94, 0], dtype=torch.uint8)[:, None, None]
    columns = (picture == orange).all(0)[:, :640].any(0).nonzero()
    assert (columns.min(), columns.max()) == (320, 639)


def test_missing_images_are_named(make_coco, tmp_path):
    with pytest.raises(InputError, match=r"a\.png"):
        draw_pictures(read_coco(make_coco()), tmp_path, tmp_path / "out", 1)


def test_an_image_that_does_not_decode_leaves_no_pictures(make_coco, make_image, tmp_path):
    make_image("images/a.png")
    (tmp_path / "images" / "b.png").write_text("damaged")
    size = {"width": 40, "height": 30}
    images = [{"id": 1, "file_name": "a.png", **size}, {"id": 2, "file_name": "b.png", **size}]
    boxes = [{"id": key, "image_id": key, "category_id": 3, "bbox": [4, 5, 10, 12]} for key in (1, 2)]
    coco = read_coco(make_coco(images=images, annotations=boxes))
    with pytest.raises(InputError, match=r"b\.png: image 2 does not decode"):
        draw_pictures(coco, tmp_path / "images", tmp_path / "deep" / "pictures", 2)
    assert not (tmp_path / "deep").exists()
    (tmp_path / "pictures").mkdir()
    with pytest.raises(InputError, match=r"b\.png: image 2 does not decode"):
        draw_pictures(coco, tmp_path / "images", tmp_path / "pictures", 2)
    assert list((tmp_path / "pictures").iterdir()) == []


@pytest.mark.parametrize("output", ["images", "images/sub", "link"])
def test_folders_of_images_are_no_place_for_drawings(make_coco, make_image, tmp_path, output):
    own = make_image("images/sub/01_a.png")
    (tmp_path / "link").symlink_to(own.parent)
    coco = read_coco(make_coco(images=[{"id": 1, "file_name": "sub/01_a.png", "width": 40, "height": 30}]))
    with pytest.raises(InputError, match="is a folder of the images"):
        draw_pictures(coco, tmp_path / "images", tmp_path / output, 1, overwrite=True)
    assert list(own.parent.iterdir()) == [own]
    assert len(draw_pictures(coco, tmp_path / "images", tmp_path / "images" / "drawn", 1)) == 1
