"""What a refiner takes from a checkpoint, to refine with and to train on."""

import pytest
import torch
from lightning.pytorch.callbacks import EMAWeightAveraging
from torch.testing import assert_close

from ssd_det.annotations.coco import Category
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.tasks.trainers import make_trainer


def test_a_checkpoint_brings_architecture_classes_and_weights(checkpoint, datamodule):
    task = RefineTask()
    task.restore(checkpoint)
    saved = torch.load(checkpoint, weights_only=True)
    assert task.categories == datamodule.categories
    assert task.hparams["backbone"] == "resnet18"
    assert all(value.equal(saved["state_dict"][name]) for name, value in task.state_dict().items())


def test_a_setting_that_contradicts_the_checkpoint_is_an_error(checkpoint):
    task = RefineTask(backbone="resnet50", learning_rate=7.0)
    with pytest.raises(InputError, match=r"model.backbone is resnet50, but .*last\.ckpt was trained with resnet18"):
        task.restore(checkpoint, given=frozenset({"backbone"}))
    task.restore(checkpoint, given=frozenset({"learning_rate"}))


def test_files_that_are_no_checkpoint_are_named(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        RefineTask().restore(tmp_path / "none.ckpt")
    (tmp_path / "text.ckpt").write_text("text")
    torch.save({"state_dict": {}}, tmp_path / "other.ckpt")
    torch.save([1], tmp_path / "list.ckpt")
    for name in ("text.ckpt", "other.ckpt", "list.ckpt"):
        with pytest.raises(InputError, match=f"{name}: is not a checkpoint of a refiner"):
            RefineTask().restore(tmp_path / name)


def test_data_with_other_classes_is_refused(checkpoint):
    task = RefineTask()
    task.restore(checkpoint)
    with pytest.raises(InputError, match=r"only noisy\.json has 1 cat; only the training data has 1 ellipse"):
        task.check_categories([Category(1, "cat")], "noisy.json")


def test_resuming_on_data_with_other_classes_is_refused(checkpoint, make_coco, make_image, tmp_path):
    make_image()
    data = RefineDataModule(str(make_coco()), str(tmp_path), **TINY_DATA)
    with pytest.raises(InputError, match="the data: has other categories than the training data"):
        make_trainer(max_epochs=2).fit(
            RefineTask(**TINY_MODEL), datamodule=data, ckpt_path=checkpoint, weights_only=True
        )


def test_averaged_weights_are_those_that_are_kept(datamodule, tmp_path):
    trainer = make_trainer(max_epochs=1, callbacks=[EMAWeightAveraging(decay=0.5)])
    torch.manual_seed(0)
    task = RefineTask(**TINY_MODEL)
    trainer.fit(task, datamodule=datamodule)
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    restored = RefineTask()
    restored.restore(tmp_path / "last.ckpt")
    assert_close(restored.state_dict(), task.state_dict())


def test_training_goes_on_from_a_checkpoint_as_if_unbroken(demo, tmp_path):
    def data():
        return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **{**TINY_DATA, "horizontal_flip": 0.5})

    torch.manual_seed(0)
    unbroken = RefineTask(**TINY_MODEL)
    make_trainer(max_epochs=2).fit(unbroken, datamodule=data())
    torch.manual_seed(0)
    trainer = make_trainer(max_epochs=1)
    trainer.fit(RefineTask(**TINY_MODEL), datamodule=data())
    trainer.save_checkpoint(tmp_path / "half.ckpt")
    torch.manual_seed(99)
    resumed = RefineTask(**TINY_MODEL)
    make_trainer(max_epochs=2).fit(resumed, datamodule=data(), ckpt_path=tmp_path / "half.ckpt", weights_only=True)
    for name, value in unbroken.state_dict().items():
        assert_close(resumed.state_dict()[name], value, rtol=0, atol=0)
