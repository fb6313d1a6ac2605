"""Images while training, through a logger that keeps what it is given."""

import pytest
import torch
from lightning.pytorch import Trainer
from lightning.pytorch.loggers import CSVLogger, WandbLogger

from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.box_panels import BoxPanels
from ssd_det.errors import InputError
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DATA, TINY_JOINT, TINY_MODEL


class Kept(WandbLogger):
    """Keeps what is logged, in the place of a run."""

    def __init__(self):
        super().__init__(offline=True)
        self.entries = []

    @property
    def experiment(self):
        return self

    def log(self, entry):
        self.entries.append(entry)

    def log_hyperparams(self, params):
        pass

    log_metrics = finalize = lambda self, *args, **settings: None


def train(demo, logger, callbacks, epochs, task=RefineTask, data=RefineDataModule, settings=TINY_MODEL):
    torch.manual_seed(0)
    model = task(**settings, sampler="fixed")
    trainer = Trainer(
        accelerator="cpu",
        logger=logger,
        max_epochs=epochs,
        callbacks=callbacks,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    given = {"annotations": str(demo / "noisy.json"), "image_root": str(demo / "images")}
    trainer.fit(model, datamodule=data(**given, **TINY_DATA))
    return model


@pytest.fixture(scope="module")
def watched(demo):
    """A model trained for two epochs with three panels, and what was logged."""
    logger = Kept()
    return train(demo, logger, [BoxPanels(images=3)], epochs=2), logger.entries


def positions(entry, group):
    return [box["position"] for panel in entry["training"] for box in panel._boxes[group]._val]


def test_after_each_epoch_the_same_images_are_shown_with_new_boxes(watched):
    first, second = watched[1]
    assert [panel._caption for panel in first["training"]] == [panel._caption for panel in second["training"]]
    assert len(first["training"]) == 3
    assert (first["trainer/global_step"], second["trainer/global_step"]) == (3, 6)
    for group in ("noisy", "true"):
        assert positions(first, group) == positions(second, group)
    assert positions(first, "refined") != positions(second, "refined")
    width, height = first["training"][0].image.size
    for box in positions(first, "refined"):
        assert 0 <= box["minX"] <= box["maxX"] <= width + 0.01
        assert 0 <= box["minY"] <= box["maxY"] <= height + 0.01
    assert first["training"][0]._boxes["refined"]._val[0]["scores"].keys() == {"refine_score", "iou_with_true"}


def test_without_wandb_nothing_is_done_and_training_is_the_same(watched, demo, tmp_path):
    panels = BoxPanels()
    alone = train(demo, CSVLogger(tmp_path), [panels], epochs=2)
    assert panels.dataset is None
    for one, other in zip(watched[0].state_dict().values(), alone.state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_a_joint_model_shows_what_its_refiner_does(demo):
    logger = Kept()
    train(demo, logger, [BoxPanels(images=1)], 1, JointTask, JointDataModule, TINY_JOINT)
    assert [len(entry["training"]) for entry in logger.entries] == [1]


def test_no_images_are_refused():
    with pytest.raises(InputError, match="images of BoxPanels is 0: give a number from 1 up"):
        BoxPanels(images=0)
