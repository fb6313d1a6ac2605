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


def test_missing_images_are_named(make_coco, tmp_path):
    with pytest.raises(InputError, match=r"a\.png"):
        draw_pictures(read_coco(make_coco()), tmp_path, tmp_path / "out", 1)
