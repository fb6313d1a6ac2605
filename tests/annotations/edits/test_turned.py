"""Boxes drawn on pictures as EXIF turns them, in the stored pixels and back."""

import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from ssd_det.annotations.coco import parse_coco, read_coco
from ssd_det.annotations.edits.turned import to_shown_pictures, to_stored_pixels, turned_images
from ssd_det.main import main

WIDTH, HEIGHT = 64, 48
STORED = [30, 4, 10, 20]


def save(path, orientation):
    """A picture whose object is at ``STORED`` in its pixels; returns the box where viewers show it, and their size."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
    pixels[4:24, 30:40] = 255
    picture = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(path, exif=exif)
    picture.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(picture))[:, :, 0]
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    return [columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1], shown.shape[::-1]


def convert(*words):
    assert main(["convert-annotations", *map(str, words)]) == 0


@pytest.fixture
def yolo(tmp_path):
    """A folder of photographs of every orientation with labels as they are shown, as Ultralytics reads them."""
    root = tmp_path / "yolo"
    for folder in ("images", "labels"):
        (root / folder).mkdir(parents=True)
    (root / "data.yaml").write_text("train: images\nval: images\nnames: [cat]\n")
    for orientation in range(1, 9):
        box, size = save(root / "images" / f"{orientation}.png", orientation)
        x, y, width, height = (value / size[i % 2] for i, value in enumerate(box))
        numbers = " ".join(f"{value:.8f}" for value in (x + width / 2, y + height / 2, width, height))
        (root / "labels" / f"{orientation}.txt").write_text(f"0 {numbers}\n")
    return root


def test_labels_as_shown_become_boxes_of_the_stored_pixels_and_come_back(yolo, tmp_path, capsys):
    convert(yolo, f"--image_root={yolo}", "--to=coco", "--exif=apply", f"--output={tmp_path / 'a.json'}")
    assert "7 boxes are turned with their 7 pictures" in capsys.readouterr().out
    content = json.loads((tmp_path / "a.json").read_text())
    assert [(image["width"], image["height"]) for image in content["images"]] == [(WIDTH, HEIGHT)] * 8
    for annotation in content["annotations"]:
        assert annotation["bbox"] == pytest.approx(STORED, abs=1e-4)
    words = (tmp_path / "a.json", f"--image_root={yolo}", "--exif=apply")
    convert(*words, "--to=yolo", f"--output={tmp_path / 'again'}")
    for orientation in range(1, 9):
        old, new = (folder / "labels" / f"{orientation}.txt" for folder in (yolo, tmp_path / "again"))
        assert list(map(float, new.read_text().split())) == pytest.approx(
            list(map(float, old.read_text().split())), abs=1e-6
        )
    convert(*words, "--to=voc", f"--output={tmp_path / 'voc'}")
    convert(
        tmp_path / "voc",
        f"--image_root={tmp_path / 'voc'}",
        "--to=coco",
        "--exif=apply",
        f"--output={tmp_path / 'b.json'}",
    )
    for annotation in json.loads((tmp_path / "b.json").read_text())["annotations"]:
        assert annotation["bbox"] == pytest.approx(STORED, abs=1e-4)


def test_polygons_and_earlier_boxes_are_turned_with_their_boxes(tmp_path):
    (tmp_path / "images").mkdir()
    shown, _ = save(tmp_path / "images" / "a.png", 6)
    polygon = [30, 4, 40, 4, 40, 24]
    entry = {
        "id": 1,
        "image_id": 1,
        "category_id": 1,
        "bbox": STORED,
        "original_bbox": STORED,
        "segmentation": [polygon],
    }
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}],
        "annotations": [entry],
        "categories": [{"id": 1, "name": "cat"}],
    }
    coco = parse_coco(tmp_path / "a.json", content)
    turned = turned_images({1: tmp_path / "images" / "a.png"})
    there = to_shown_pictures(coco, turned)
    (new,) = there.content["annotations"]
    assert new["bbox"] == new["original_bbox"] == shown
    points = np.array(new["segmentation"][0]).reshape(-1, 2)
    assert [*points.min(axis=0), *np.ptp(points, axis=0)] == shown
    assert to_stored_pixels(there, turned, shares=False).content == content


def test_boxes_are_counted_where_nobody_said_what_they_are(yolo, tmp_path, capsys):
    convert(yolo, f"--image_root={yolo}", "--to=coco", f"--output={tmp_path / 'a.json'}")
    assert "7 boxes are in 7 pictures that EXIF turns" in capsys.readouterr().err
    convert(tmp_path / "a.json", f"--image_root={yolo}", "--to=yolo", f"--output={tmp_path / 'new'}")
    assert "7 boxes are in 7 pictures that EXIF turns" in capsys.readouterr().err
    convert(tmp_path / "a.json", f"--image_root={yolo}", "--to=coco", f"--output={tmp_path / 'b.json'}")
    assert "EXIF" not in capsys.readouterr().err


def test_boxes_that_are_put_back_are_not_turned(yolo, tmp_path, capsys):
    words = [str(yolo), f"--like={yolo}", f"--image_root={yolo}", "--exif=apply", f"--output={tmp_path / 'new'}"]
    assert main(["convert-annotations", *words]) == 2
    assert "--like does not turn boxes" in capsys.readouterr().err


@pytest.mark.parametrize("segmentation", [[[1, 2, 3, 4, 5, 6, 7]], ["a"], {"counts": "x", "size": [48, 64]}])
def test_polygons_that_make_no_sense_stay_as_they_are(tmp_path, make_coco, segmentation):
    save(tmp_path / "a.png", 6)
    images = [{"id": 1, "file_name": "a.png", "width": WIDTH, "height": HEIGHT}]
    annotations = [{"id": 1, "image_id": 1, "category_id": 3, "bbox": STORED, "segmentation": segmentation}]
    coco = read_coco(make_coco(images=images, annotations=annotations))
    (entry,) = to_shown_pictures(coco, turned_images({1: tmp_path / "a.png"})).content["annotations"]
    assert entry["bbox"] != STORED
    assert entry["segmentation"] == segmentation
