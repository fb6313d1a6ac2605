"""Checkpoints of tiny networks that nobody has trained, and what is wrong with them."""

import lightning.pytorch
import torch
from lightning.pytorch import Trainer

from ssd_det.annotations.coco import Category
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DETECTOR, TINY_JOINT, TINY_MODEL

SETTINGS = {RefineTask: TINY_MODEL, DetectTask: TINY_DETECTOR, JointTask: TINY_JOINT}


def new_task(kind=RefineTask, **settings):
    """A task with a small backbone, whose network is not built yet."""
    return kind(**{**SETTINGS[kind], "backbone": "mobilenet_v2", **settings})


CATEGORIES = (Category(1, "cat"), Category(7, "dog"))


def checkpoint_of(kind=RefineTask, categories=CATEGORIES):
    """What Lightning saves before the first step of a training."""
    torch.manual_seed(0)
    task = new_task(kind)
    task.categories = list(categories)
    if kind is JointTask:  # which takes them from its data
        task.hparams.update({"shortest_side": 64, "longest_side": 96})
    task.configure_model()
    trainer = Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False)
    optimizers, schedules = task.configure_optimizers()
    content = {
        "epoch": 0,
        "global_step": 0,
        "pytorch-lightning_version": lightning.pytorch.__version__,
        "state_dict": dict(task.state_dict()),
        "loops": {"fit_loop": trainer.fit_loop.state_dict(), "test_loop": trainer.test_loop.state_dict()},
        "callbacks": {},
        "optimizer_states": [optimizer.state_dict() for optimizer in optimizers],
        "lr_schedulers": [dict(entry["scheduler"].state_dict()) for entry in schedules],
    }
    task.on_save_checkpoint(content)
    return content
