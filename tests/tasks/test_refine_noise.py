"""The noise that a refiner estimates while it trains, and the sampler that is fitted to it."""

import json

import pytest
import torch

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.demo import draw_demo_data
from ssd_det.annotations.edits.noise import corrupt
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.tasks.trainers import make_trainer


@pytest.fixture(scope="module")
def estimates(tmp_path_factory):
    """Tasks that have seen the noise of demo data, by its level."""
    folder = tmp_path_factory.mktemp("estimates")
    (train, _) = draw_demo_data(folder, images=40, test_images=1, seed=3)
    tasks = {}
    for level in (0.0, 0.2, 0.4):
        content, _ = corrupt(read_coco(train), level, seed=45)
        (folder / "noisy.json").write_text(json.dumps(content))
        sizes = {**TINY_DATA, "batch_size": 4, "max_objects": 8}
        data = RefineDataModule(str(folder / "noisy.json"), str(folder / "images"), **sizes)
        torch.manual_seed(0)
        small = {**TINY_MODEL, "feature_width": 64, "roi_size": 3, "ratios": [1.0, 1.4, 0.7], "offsets": [0.3]}
        training = {"regression_beta": 5.0, "optimizer": "adamw", "learning_rate": 1e-3, "warmup_steps": 10}
        weights = LossWeights(spsd=1.0, stage1_regression=0.5)
        tasks[level] = RefineTask(**small, **training, loss_weights=weights, noise_steps=50)
        make_trainer(max_epochs=5).fit(tasks[level], datamodule=data)
    return tasks


def test_the_estimated_noise_grows_with_the_noise(estimates):
    levels = [task.noise.level for task in estimates.values()]
    assert levels[0] < levels[1] < levels[2]
    assert levels[2] > 2 * levels[0]


def test_the_sampler_is_fitted_to_the_noise(estimates):
    widths = [task.refiner.head.offsets[0] for task in estimates.values()]
    assert widths[0] < widths[1] <= widths[2] <= 0.3
    assert estimates[0.0].refiner.head.ratios == pytest.approx(
        [1.0, 1.4 ** (widths[0] / 0.3), 0.7 ** (widths[0] / 0.3)]
    )


def test_a_checkpoint_knows_the_noise(datamodule, tmp_path):
    task = RefineTask(**TINY_MODEL, noise_steps=6)
    trainer = make_trainer(max_epochs=3)
    trainer.fit(task, datamodule=datamodule)
    assert task.noise.level is not None
    trainer.save_checkpoint(tmp_path / "last.ckpt")
    restored = RefineTask()
    restored.restore(tmp_path / "last.ckpt")
    assert restored.noise.level == task.noise.level
    assert restored.refiner.head.offsets == task.refiner.head.offsets
    resumed = RefineTask(**TINY_MODEL, noise_steps=6)
    make_trainer(max_epochs=4).fit(resumed, datamodule=datamodule, ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    assert resumed.noise.level == task.noise.level
    assert resumed.refiner.head.offsets == task.refiner.head.offsets


def test_a_fixed_sampler_stays_and_so_does_that_of_a_checkpoint_without_an_estimate(checkpoint, datamodule, tmp_path):
    task = RefineTask(**TINY_MODEL, sampler="fixed", noise_steps=1)
    make_trainer(max_epochs=1).fit(task, datamodule=datamodule)
    assert task.noise.level is None
    assert task.refiner.head.offsets == (0.2,)
    content = torch.load(checkpoint, weights_only=True)
    del content["noise"]
    torch.save(content, tmp_path / "old.ckpt")
    old = RefineTask()
    old.restore(tmp_path / "old.ckpt")
    assert old.hparams["sampler"] == "fixed"


def test_a_fitted_sampler_needs_spsd():
    with pytest.raises(InputError, match=r"model\.sampler is auto, which needs SPSD"):
        RefineTask(spsd_modules=0)
