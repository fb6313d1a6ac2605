import json

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.testing import assert_close

from ssd_det.annotations.coco import Image, read_coco
from ssd_det.annotations.image_files import resolve_images
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_reading import read_image
from ssd_det.errors import InputError

BOX = {"image_id": 1, "category_id": 3}


def dataset_of(path, root, augmentation=None, **settings):
    coco = read_coco(path)
    return CocoDataset(coco, resolve_images(coco, root)[0], augmentation or Augmentation(60, 100), **settings)


@pytest.fixture
def two_boxes(make_coco, make_image):
    make_image()
    return make_coco(
        annotations=[
            {**BOX, "id": 5, "bbox": [-4, 5, 10, 12], "true_bbox": [1, 2, 3, 4]},
            {**BOX, "id": 6, "bbox": [30, 20, 15, 15]},
            {**BOX, "id": 7, "bbox": [30, 20, 15, 0]},
            {**BOX, "id": 8, "bbox": [30, 20, 5, 5], "iscrowd": 1},
        ]
    )


def test_boxes_are_resized_and_neither_dropped_nor_clipped(two_boxes, tmp_path):
    sample = dataset_of(two_boxes, tmp_path)[0, 0]
    assert sample.image.shape == (3, 60, 80)
    assert sample.boxes.tolist() == [[-8, 10, 12, 34], [60, 40, 90, 70]]
    assert sample.true_boxes[0].tolist() == [2, 4, 8, 12]
    assert sample.true_boxes[1].isnan().all()
    assert sample.annotation_ids.tolist() == [5, 6]


def test_boxes_follow_a_flip_exactly(two_boxes, tmp_path):
    sample = dataset_of(two_boxes, tmp_path, Augmentation(60, 100, horizontal_flip=1.0))[0, 0]
    assert sample.boxes.tolist() == [[68, 10, 88, 34], [-10, 40, 20, 70]]
    assert sample.true_boxes[0].tolist() == [72, 4, 78, 12]


def test_a_drawn_box_stays_on_its_pixels_through_augmentation(make_coco, tmp_path):
    pixels = np.zeros((30, 40, 3), dtype=np.uint8)
    pixels[5:17, 4:14] = 255
    cv2.imwrite(str(tmp_path / "a.png"), pixels)
    dataset = dataset_of(make_coco(), tmp_path, Augmentation(90, 200, horizontal_flip=1.0))
    sample = dataset[0, 0]
    rows, columns = torch.nonzero(sample.image.float().mean(0) > 127, as_tuple=True)
    found = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
    assert_close(found, sample.boxes[0], rtol=0, atol=1.5)


def test_samples_depend_on_seed_epoch_and_image_id_alone(demo):
    settings = {"augmentation": Augmentation(64, 96, 0.5, 0.2), "max_objects": 2}
    dataset = dataset_of(demo / "noisy.json", demo / "images", seed=1, **settings)
    part = json.loads((demo / "noisy.json").read_text())
    part["images"] = part["images"][3:]
    part["annotations"] = [a for a in part["annotations"] if a["image_id"] > 3]
    (demo / "part.json").write_text(json.dumps(part))
    alone = dataset_of(demo / "part.json", demo / "images", seed=1, **settings)
    first, second = dataset[4, 3], alone[4, 0]
    assert first.image.equal(second.image)
    assert first.annotation_ids.equal(second.annotation_ids)
    assert first.seed == second.seed
    assert dataset[5, 3].seed != first.seed
    other = dataset_of(demo / "noisy.json", demo / "images", seed=2, **settings)
    assert other[4, 3].seed != first.seed


def test_a_crowded_image_gives_a_new_subset_each_epoch(make_coco, make_image, tmp_path):
    make_image()
    boxes = [{**BOX, "id": key, "bbox": [1, 1, 5, 5]} for key in range(50)]
    dataset = dataset_of(make_coco(annotations=boxes), tmp_path, max_objects=4)
    seen = {tuple(dataset[epoch, 0].annotation_ids.tolist()) for epoch in range(5)}
    assert len(seen) > 1
    assert all(len(ids) == 4 and list(ids) == sorted(ids) for ids in seen)


def test_images_without_objects_are_left_out_or_kept(make_coco, make_image, tmp_path):
    make_image()
    images = [{"id": key, "file_name": "a.png", "width": 40, "height": 30} for key in (1, 2)]
    path = make_coco(images=images)
    assert len(dataset_of(path, tmp_path)) == 1
    kept = dataset_of(path, tmp_path, skip_empty=False)
    assert len(kept) == 2
    assert kept[0, 1].boxes.shape == (0, 4)


def test_images_that_do_not_decode_or_fit_are_named(tmp_path, make_image):
    (tmp_path / "bad.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"bad\.png: image 9 does not decode"):
        read_image(tmp_path / "bad.png", Image(9, "bad.png", 40, 30))
    whole = tmp_path / "whole.jpg"
    cv2.imwrite(str(whole), np.random.default_rng(0).integers(0, 256, size=(64, 64, 3)).astype(np.uint8))
    (tmp_path / "cut.jpg").write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(InputError, match=r"cut\.jpg: image 9 does not decode"):
        read_image(tmp_path / "cut.jpg", Image(9, "cut.jpg", 64, 64))
    with pytest.raises(InputError, match=r"image 9 is 40x30, but the annotation file says 30x40"):
        read_image(make_image(), Image(9, "a.png", 30, 40))


@pytest.mark.parametrize("name", ["a.avif", "a.jfif", "a.gif", "a.jp2", "a.webp", "a.tif"])
def test_images_of_every_format_that_pillow_reads_are_trained_on(tmp_path, name):
    ramp = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)
    PillowImage.fromarray(ramp).save(tmp_path / name)
    pixels = read_image(tmp_path / name, Image(1, name, 40, 30))
    assert np.abs(pixels.astype(int) - ramp).mean() < 20


def test_trusted_boxes_get_noise_anew_each_epoch(make_coco, make_image, tmp_path):
    make_image()
    path = make_coco(
        annotations=[
            {**BOX, "id": 5, "bbox": [10, 10, 10, 10], "trusted": True},
            {**BOX, "id": 6, "bbox": [30, 20, 10, 10]},
        ]
    )
    noise = torch.tensor([[0.1, 0, 0, 0], [0, 0.2, 0, 0]], dtype=torch.float64)
    dataset = dataset_of(path, tmp_path, trusted_noise=noise)
    seen = [dataset[epoch, 0] for epoch in range(12)]
    assert {tuple(sample.boxes[0].tolist()) for sample in seen} == {(22, 20, 42, 40), (20, 24, 40, 44)}
    assert all(sample.boxes[1].tolist() == [60, 40, 80, 60] for sample in seen)
    assert all(sample.trusted[0].tolist() == [20, 20, 40, 40] for sample in seen)
    assert all(sample.trusted[1].isnan().all() for sample in seen)
    assert torch.equal(dataset[3, 0].boxes, seen[3].boxes)
    plain = dataset_of(path, tmp_path)[0, 0]
    assert plain.trusted is None
    assert plain.boxes[0].tolist() == [20, 20, 40, 40]
    assert plain.seed == seen[0].seed
