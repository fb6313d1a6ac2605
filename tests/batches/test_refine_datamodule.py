import json
import shutil

import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import collate, padded_size
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.batches.samplers import EqualSizeBatches
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.conftest import TINY_DATA


@pytest.fixture
def datamodule(demo):
    return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)


def test_batches_are_padded_to_multiples_of_32(datamodule):
    batch = next(iter(datamodule.train_dataloader()))
    assert batch.images.shape == (2, 3, 64, 96)
    assert batch.objects.image_sizes.tolist() == [[64, 85], [64, 85]]
    assert not batch.images[:, :, :, 85:].any()
    assert 0.5 < batch.images.max() <= 1
    assert len(batch.objects.boxes) == len(batch.annotation_ids) == len(batch.true_boxes)
    assert batch.objects.image_index.unique().tolist() == [0, 1]


@pytest.mark.parametrize("workers", [1, 2])
def test_batches_are_the_same_whatever_the_number_of_workers(demo, datamodule, workers):
    other = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **{**TINY_DATA, "num_workers": workers})
    loaders = [datamodule.train_dataloader(), other.train_dataloader()]
    for epoch in range(2):
        for loader in loaders:
            loader.sampler.set_epoch(epoch)
        for first, second in zip(*loaders, strict=True):
            assert first.images.equal(second.images)
            assert first.seeds == second.seeds
            assert first.objects.boxes.equal(second.objects.boxes)


def test_every_epoch_has_another_order(datamodule):
    loader = datamodule.train_dataloader()
    orders = []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        orders.append([index for _, index in loader.sampler])
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(6))
    assert orders[0] != orders[1] or orders[1] != orders[2]


def test_refining_sees_every_image_once_in_batches_of_one_padded_size(make_coco, make_image, tmp_path):
    sizes = [(40, 30), (30, 40), (41, 30), (40, 30)]
    images = [{"id": i, "file_name": f"{i}.png", "width": w, "height": h} for i, (w, h) in enumerate(sizes)]
    for image in images:
        make_image(image["file_name"], image["width"], image["height"])
    boxes = [{"id": i + 10, "image_id": i, "category_id": 3, "bbox": [1, 1, 9, 9]} for i in range(4)]
    settings = {**TINY_DATA, "batch_size": 4}
    path = make_coco(images=images, annotations=boxes)
    batches = list(RefineDataModule(str(path), str(tmp_path), **settings).to_refine().loader(1))
    assert sorted(torch.cat([batch.annotation_ids for batch in batches]).tolist()) == [10, 11, 12, 13]
    for batch in batches:
        assert {padded_size(*map(int, size)) for size in batch.objects.image_sizes} == {batch.images.shape[2:]}
    assert sorted(len(batch.images) for batch in batches) == [1, 3]


def test_batches_shrink_until_every_process_has_one(datamodule):
    dataset = datamodule.to_refine().loader(1).dataset.dataset

    def batches_for(processes):
        return EqualSizeBatches(dataset, 16, processes, collate, lambda image: (image.height, image.width))

    assert len(batches_for(1)) == 1
    shared = batches_for(4)
    assert len(shared) >= 4
    assert sorted(index for batch in shared.batches for index in batch) == list(range(6))
    with pytest.raises(InputError, match=r"6 images cannot be shared by 7 processes"):
        batches_for(7)


def test_samples_without_objects_can_be_collated(datamodule):
    dataset = datamodule.train_dataloader().dataset
    sample = dataset[0, 0]
    nothing = torch.zeros(0, dtype=torch.long)
    sample.boxes, sample.true_boxes = torch.zeros(0, 4), torch.zeros(0, 4)
    sample.labels, sample.annotation_ids = nothing, nothing
    assert collate([sample]).objects.image_index.shape == (0,)


def test_missing_images_stop_the_run_unless_they_are_skipped(demo, tmp_path):
    content = json.loads((demo / "noisy.json").read_text())
    for number in range(11):
        content["images"].append({"id": 100 + number, "file_name": f"no{number}.png", "width": 9, "height": 9})
    (tmp_path / "more.json").write_text(json.dumps(content))
    datamodule = RefineDataModule(str(tmp_path / "more.json"), str(demo / "images"), **TINY_DATA)
    with pytest.raises(InputError, match=r"11 of 17 image files are not in .*: no0\.png, .* and 1 more"):
        datamodule.setup("fit")
    with pytest.raises(InputError, match="11 of 17 image files"):
        datamodule.to_refine()
    data = datamodule.to_refine(skip_missing_images=True)
    assert len(data.paths) == 6
    assert data.passed_over == {100 + number: "image missing" for number in range(11)}


def test_a_file_with_nothing_to_refine_is_refused(make_coco, make_image, tmp_path):
    make_image()
    path = make_coco(annotations=[{"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 0, 0]}])
    with pytest.raises(InputError, match="none of its 1 annotations can be used"):
        RefineDataModule(str(path), str(tmp_path)).setup("fit")


@pytest.mark.parametrize(
    ("name", "value"),
    [("batch_size", 0), ("shortest_side", 0), ("horizontal_flip", 1.5), ("color_jitter", -1), ("scale_jitter", 2)],
)
def test_settings_out_of_range_are_named(name, value):
    with pytest.raises(InputError, match=rf"data\.{name} is {value}"):
        RefineDataModule("a", "b", **{name: value})


def test_every_image_is_held_out_by_one_fold_and_learnt_from_in_the_others(demo):
    refined, learnt = [], []
    for fold in range(3):
        data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA, folds=3, fold=fold)
        predicted = {image.id for image in data.to_refine().loader(1).dataset.dataset.images}
        trained = {image.id for image in data.train_dataloader().dataset.images}
        assert not predicted & trained
        assert data.to_refine().passed_over == dict.fromkeys(trained, "other fold")
        refined += predicted
        learnt += trained
    assert sorted(refined) == sorted(image.id for image in data.coco.images)
    assert sorted(learnt) == sorted(2 * refined)


@pytest.mark.parametrize(("folds", "fold"), [(0, 0), (2, 2), (2, -1)])
def test_folds_that_are_none_are_refused(demo, folds, fold):
    with pytest.raises(InputError, match=f"data.fold is {fold} of data.folds {folds}"):
        RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), folds=folds, fold=fold)


def test_other_boxes_take_the_place_of_those_in_the_file(demo):
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
    first = data.coco.annotations[0]
    (batch,) = data.to_refine().loader(1, {first.id: (1.0, 2.0, 30.0, 40.0)})
    here = [a.id for a in data.coco.annotations if a.image_id == first.image_id]
    assert sorted(batch.annotation_ids.tolist()) == sorted(here)
    row = batch.annotation_ids.tolist().index(first.id)
    expected = torch.tensor([1.0, 2.0, 31.0, 42.0]) * batch.scales[0].repeat(2)
    assert_close(batch.objects.boxes[row], expected)
    assert data.coco.annotations[0] == first


def test_images_kept_aside_are_not_trained_on_and_are_refined_as_well(demo):
    settings = {**TINY_DATA, "validation_share": 0.34, "seed": 5}
    data, again = (RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **settings) for _ in range(2))
    trained = {image.id for image in data.train_dataloader().dataset.images}
    (validation,) = data.val_dataloader()
    kept_aside = {image.id for image in validation.dataset.dataset.images}
    assert (len(trained), len(kept_aside)) == (4, 2)
    assert not trained & kept_aside
    assert {image.id for image in data.to_refine().loader(1).dataset.dataset.images} == trained | kept_aside
    assert {image.id for image in again.val_dataloader()[0].dataset.dataset.images} == kept_aside


def test_without_a_share_nothing_is_kept_aside(demo):
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
    assert data.val_dataloader() == []


@pytest.mark.parametrize(
    ("share", "message"),
    [
        (0.01, "data.validation_share is 0.01, which keeps 0 of 6 images aside"),
        (0.99, "data.validation_share is 0.99, which keeps 6 of 6 images aside"),
        (1.0, "data.validation_share is 1.0: give a number from 0 to below 1"),
        (-0.1, "data.validation_share is -0.1: give a number from 0 to below 1"),
    ],
)
def test_shares_that_leave_nothing_are_refused(demo, share, message):
    with pytest.raises(InputError, match=message):
        RefineDataModule(
            str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA, validation_share=share
        ).train_dataloader()


@pytest.mark.parametrize("folds", [1, 2])
def test_images_that_are_missing_are_left_out_and_counted(demo, tmp_path, caplog, folds):
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    (tmp_path / "images" / "0002.png").unlink()
    files = (str(tmp_path / "noisy.json"), str(tmp_path / "images"))
    data = RefineDataModule(*files, **TINY_DATA, skip_missing_images=True, folds=folds)
    trained_on = {image.id for image in data.train_dataloader().dataset.images}
    assert trained_on == ({1, 3, 4, 5, 6} if folds == 1 else {4, 6}), "folds are dealt out as if all were there"
    assert {annotation.image_id for annotation in data.coco.annotations} == {1, 3, 4, 5, 6}
    assert "noisy.json: 1 of 6 image files are not in" in caplog.text
    assert "and are left out: 0002.png." in caplog.text
    to_refine = data.to_refine()
    assert len(to_refine.coco.images) == 6
    assert 2 in to_refine.passed_over
    with pytest.raises(InputError, match="1 of 6 image files are not in"):
        _ = RefineDataModule(*files, **TINY_DATA).coco


def test_trusted_boxes_are_learnt_from_and_refined_as_if_the_file_had_been_corrected(demo, tmp_path):
    content = json.loads((demo / "train.json").read_text())
    content["annotations"] = content["annotations"][:8]
    (tmp_path / "trusted.json").write_text(json.dumps(content))
    words = ["correct-annotations", str(demo / "noisy.json"), f"--trusted={tmp_path / 'trusted.json'}"]
    assert main([*words, f"--output={tmp_path / 'corrected.json'}"]) == 0
    corrected = RefineDataModule(str(tmp_path / "corrected.json"), str(demo / "images"))
    given = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), trusted=str(tmp_path / "trusted.json"))
    assert given.coco.annotations == corrected.coco.annotations
    assert sum(annotation.trusted for annotation in given.coco.annotations) == 8
    data = given.to_refine()
    assert data.coco.content == corrected.coco.content
    kept = given.state_dict()["shared_offsets"]
    assert kept == data.coco.content["shared_offsets"] == corrected.state_dict()["shared_offsets"]
    assert data.as_read.content == json.loads((demo / "noisy.json").read_text())
