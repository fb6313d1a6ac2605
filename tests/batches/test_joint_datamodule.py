import json
from functools import partial

import pytest
import torch

from ssd_det.annotations.coco import read_coco
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.errors import InputError


def make(demo, **settings):
    files = {"annotations": str(demo / "noisy.json"), "test_annotations": str(demo / "test.json")}
    return JointDataModule(**{"shortest_side": 64, "longest_side": 96, "num_workers": 0, **files, **settings})


@pytest.fixture
def crowd(demo, make_coco, make_image, tmp_path):
    """Makes data modules of one image with 30 objects."""
    make_image()
    boxes = [[2 + i % 6 * 5, 3 + i // 6 * 5, 4, 4] for i in range(30)]
    annotations = [{"id": i, "image_id": 1, "category_id": 3, "bbox": box} for i, box in enumerate(boxes)]
    path = make_coco(annotations=annotations)
    return partial(make, demo, annotations=str(path), image_root=str(tmp_path), horizontal_flip=0)


def test_all_objects_of_resized_images_take_part_in_training(crowd):
    [batch] = crowd().train_dataloader()
    assert batch.every is None
    assert len(batch.objects.boxes) == 30
    assert batch.objects.image_sizes.tolist() == [[64, 85]]
    assert batch.images.shape == (1, 3, 64, 96)


def test_a_random_subset_that_the_refiner_learns_from_stands_beside_all_objects(crowd):
    [every], loader = crowd().train_dataloader(), crowd(max_objects=8).train_dataloader()
    drawn = []
    for epoch in range(2):
        loader.sampler.set_epoch(epoch)
        [batch] = loader
        assert torch.equal(batch.every.boxes, every.objects.boxes)
        rows = [every.annotation_ids.tolist().index(key) for key in batch.annotation_ids.tolist()]
        assert torch.equal(batch.objects.boxes, every.objects.boxes[rows])
        assert torch.equal(batch.objects.labels, every.objects.labels[rows])
        assert len(batch.true_boxes) == len(batch.objects.image_index) == 8
        drawn.append(rows)
    assert drawn[0] != drawn[1]


def test_a_limit_that_no_image_reaches_changes_nothing(crowd):
    [limited], [every] = (crowd(max_objects=most).train_dataloader() for most in (30, 0))
    assert limited.every is None
    assert torch.equal(limited.objects.boxes, every.objects.boxes)


def test_testing_sees_images_in_their_own_size(demo):
    images = [image for batch in make(demo).test_dataloader() for image in batch.images]
    assert {tuple(image.shape) for image in images} == {(3, 192, 256)}
    assert len(images) == 4


def test_refining_is_on_the_same_annotations_with_the_same_settings(demo):
    data = make(demo, batch_size=3).to_refine()
    assert data.coco.annotations == read_coco(demo / "noisy.json").annotations
    assert (data.augmentation.shortest_side, data.augmentation.longest_side, data.batch_size) == (64, 96, 3)
    wanted = {entry["id"] for entry in json.loads((demo / "noisy.json").read_text())["annotations"]}
    assert {key for batch in data.loader(1) for key in batch.annotation_ids.tolist()} == wanted


@pytest.mark.parametrize("name", ["shortest_side", "longest_side", "batch_size"])
def test_sizes_below_1_are_named(demo, name):
    with pytest.raises(InputError, match=f"data.{name} is 0: give a number from 1 up"):
        make(demo, **{name: 0})


def test_a_limit_below_0_is_named(demo):
    with pytest.raises(InputError, match=r"data.max_objects is -1: give a number from 1 up, or 0 for all objects"):
        make(demo, max_objects=-1)


def test_annotations_to_refine_have_to_be_given(demo):
    with pytest.raises(InputError, match=r"data.annotations is not given"):
        make(demo, annotations=None).to_refine()
