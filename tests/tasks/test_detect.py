import json

import pytest
import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.detection_metrics import DetectionMetrics
from ssd_det.errors import InputError
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.detections import coco_results
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_JOINT, TINY_MODEL

QUIET = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}


class StopAt(Callback):
    """Makes a training fail before a step, as a kill would."""

    def __init__(self, step):
        self.step = step

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        if trainer.global_step == self.step:
            raise RuntimeError("stopped")


def trainer(folder, *more, **settings):
    callbacks = [*more, DetectionMetrics(), ModelCheckpoint(filename="last", enable_version_counter=False)]
    return Trainer(default_root_dir=folder, callbacks=callbacks, logger=False, **QUIET, **settings)


def data_for(demo, kind):
    if kind is RefineTask:
        return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
    files = {"annotations": str(demo / "noisy.json"), "test_annotations": str(demo / "test.json")}
    if kind is JointTask:
        return JointDataModule(**files, image_root=str(demo / "images"), **TINY_DATA)
    return DetectDataModule(**files, image_root=str(demo / "images"), batch_size=2, num_workers=0)


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """The folder of a detector trained for an epoch."""
    folder = tmp_path_factory.mktemp("detector")
    trainer(folder, max_epochs=1).fit(DetectTask(**TINY_DETECTOR), datamodule=data_for(demo, DetectTask))
    return folder


@pytest.fixture
def checkpoint(trained):
    return trained / "checkpoints" / "last.ckpt"


@pytest.mark.parametrize(
    ("kind", "tiny"), [(RefineTask, TINY_MODEL), (DetectTask, TINY_DETECTOR), (JointTask, TINY_JOINT)]
)
def test_a_training_that_goes_on_equals_one_that_was_never_stopped(kind, tiny, demo, tmp_path):
    settings = {**tiny, "milestones": [1], "warmup_steps": 2}

    def train(folder, stop=None, ckpt_path=None):
        torch.manual_seed(0)
        task = kind(**settings)
        fit = trainer(folder, StopAt(stop), max_epochs=3).fit
        if stop is None:
            fit(task, datamodule=data_for(demo, kind), ckpt_path=ckpt_path, weights_only=True)
        else:
            with pytest.raises(RuntimeError, match="stopped"):
                fit(task, datamodule=data_for(demo, kind))
        return task.state_dict()

    unbroken = train(tmp_path / "a")
    train(tmp_path / "b", stop=4)
    checkpoint = tmp_path / "b" / "checkpoints" / "last.ckpt"
    assert torch.load(checkpoint, weights_only=True)["global_step"] == 3
    resumed = train(tmp_path / "b", ckpt_path=checkpoint)
    for name, value in unbroken.items():
        torch.testing.assert_close(resumed[name], value, msg=name)


def test_losses_are_logged_one_by_one_and_in_total(demo, tmp_path):
    running = trainer(tmp_path, max_steps=1)
    running.fit(DetectTask(**TINY_DETECTOR), datamodule=data_for(demo, DetectTask))
    logged = running.logged_metrics
    parts = [value for name, value in logged.items() if name.startswith("loss_")]
    assert len(parts) == 4
    assert logged["loss"].item() == pytest.approx(sum(part.item() for part in parts), rel=1e-5)


def test_category_ids_with_gaps_come_back(demo, tmp_path):
    """Labels are places in the list of categories; what is written are the ids of the file."""
    ids = {1: 70, 2: 5, 3: 12, 4: 2000}
    for name in ("train", "test"):
        content = json.loads((demo / f"{name}.json").read_text())
        for entry in content["annotations"]:
            entry["category_id"] = ids[entry["category_id"]]
        for entry in content["categories"]:
            entry["id"] = ids[entry["id"]]
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    files = {"annotations": str(tmp_path / "train.json"), "test_annotations": str(tmp_path / "test.json")}
    data = DetectDataModule(**files, image_root=str(demo / "images"), batch_size=2, num_workers=0)
    task = DetectTask(**TINY_DETECTOR)
    running = trainer(tmp_path, max_epochs=1)
    running.fit(task, datamodule=data)
    batch = next(iter(data.train_dataloader()))
    of_image = {}
    for entry in json.loads((tmp_path / "train.json").read_text())["annotations"]:
        of_image.setdefault(entry["image_id"], []).append(entry["category_id"])
    for image_id, target in zip(batch.image_ids, batch.targets, strict=True):
        detections = {"boxes": target["boxes"], "labels": target["labels"], "scores": torch.ones(len(target["labels"]))}
        written = coco_results(image_id, detections, task.categories)
        assert [entry["category_id"] for entry in written] == of_image[image_id]
    running.test(task, datamodule=data, verbose=False)
    found = json.loads((tmp_path / "predictions.json").read_text())
    assert found
    assert {entry["category_id"] for entry in found} <= set(ids.values())


def test_boxes_are_in_pixels_of_the_original_image(demo, checkpoint):
    task = DetectTask(score_threshold=0.0)
    task.restore(checkpoint, given=frozenset({"score_threshold"}))
    task.eval()
    data = data_for(demo, DetectTask)
    with torch.no_grad():
        boxes = task.predict_step(next(iter(data.test_dataloader())), 0).boxes
    assert (boxes[:, :2] >= 0).all()
    assert boxes[:, 2].max() > 96  # the network saw images of at most 96 pixels
    assert (boxes[:, 2] <= 256.001).all()
    assert (boxes[:, 3] <= 192.001).all()


def test_a_checkpoint_of_the_other_task_is_refused(demo, trained, tmp_path):
    with pytest.raises(InputError, match="is not a checkpoint of a refiner but of a detector"):
        RefineTask().restore(trained / "checkpoints" / "last.ckpt")
    running = trainer(tmp_path, max_steps=1)
    running.fit(RefineTask(**TINY_MODEL), datamodule=data_for(demo, RefineTask))
    with pytest.raises(InputError, match="is not a checkpoint of a detector but of a refiner"):
        DetectTask().restore(tmp_path / "checkpoints" / "last.ckpt")


def test_what_the_network_is_comes_from_the_checkpoint_and_how_it_is_used_may_be_chosen(checkpoint):
    task = DetectTask(score_threshold=0.3, learning_rate=7.0)
    task.adopt(checkpoint, given=frozenset({"score_threshold", "learning_rate"}))
    assert task.hparams["fpn_channels"] == TINY_DETECTOR["fpn_channels"]
    assert task.hparams["score_threshold"] == 0.3
    with pytest.raises(InputError, match=r"model\.fpn_channels is 64, but .* was trained with 32"):
        DetectTask(fpn_channels=64).adopt(checkpoint, given=frozenset({"fpn_channels"}))


def test_the_data_of_the_other_task_is_refused(demo, tmp_path):
    with pytest.raises(InputError, match=r"set data.class_path to DetectDataModule"):
        trainer(tmp_path, max_steps=1).fit(DetectTask(**TINY_DETECTOR), datamodule=data_for(demo, RefineTask))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"proposals": 0}, "model.proposals is 0"),
        ({"score_threshold": 1.5}, "model.score_threshold is 1.5: give a number from 0 to 1"),
        ({"image_std": [1, 1]}, "model.image_mean and model.image_std need 3 numbers"),
        ({"learning_rate": -1}, "model.learning_rate is -1"),
    ],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        DetectTask(**settings)
