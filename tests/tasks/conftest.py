"""Data of a refiner, and the checkpoint of one that was trained on it for an epoch."""

import pytest
import torch

from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.tasks.trainers import make_trainer


@pytest.fixture
def datamodule(demo):
    return RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)


@pytest.fixture(scope="package")
def checkpoint(demo, tmp_path_factory):
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("task") / "last.ckpt"
    trainer = make_trainer(max_epochs=1)
    data = RefineDataModule(str(demo / "noisy.json"), str(demo / "images"), **TINY_DATA)
    trainer.fit(RefineTask(**TINY_MODEL, learning_rate=0.01), datamodule=data)
    trainer.save_checkpoint(path)
    return path
