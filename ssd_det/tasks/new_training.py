"""Whether a training can begin with the settings of a task, and no checkpoint, tried out before it does."""

import copy
import warnings
from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import torch
from lightning.pytorch import Trainer

from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.errors import InputError


class Buildable(Protocol):
    """What a trial needs of a task."""

    def take_data(self, datamodule: CocoDataModule) -> None:
        """Take from the data what the network depends on."""

    def configure_model(self) -> None:
        """Build the network."""


T = TypeVar("T", bound=Buildable)


def built_for_trial(task: T, datamodule: CocoDataModule | None = None) -> T:
    """A copy of a task with its network, which takes neither memory nor time, whatever the settings are.

    Args:
        task: stays as it is.
        datamodule: what the copy learns from; ``None`` where the task has its classes.

    Raises:
        InputError: if the network cannot be built of the settings.
    """
    twin = copy.deepcopy(task)
    if datamodule is not None:
        twin.take_data(datamodule)
    # torch warns of every weight that is not copied where there is no memory for it.
    with torch.device("meta"), warnings.catch_warnings(action="ignore"):
        twin.configure_model()
    return twin


def is_trial(trainer: Trainer) -> bool:
    """Whether nothing is kept of a training, as where it is only measured how long its steps take."""
    return bool(trainer.fast_dev_run) or not trainer.checkpoint_callbacks  # type: ignore[attr-defined]


def check_random_weights(settings: Mapping[str, Any]) -> None:
    """Make sure that no layer is kept from learning that knows nothing yet.

    Args:
        settings: of the task, which no checkpoint gives its weights.

    Raises:
        InputError: if one is.
    """
    frozen = {"frozen_stages": 0, "freeze_batch_norm": False}
    set_otherwise = [name for name, free in frozen.items() if settings[name] != free]
    if settings["weights"] is None and set_otherwise:
        found = " and ".join(f"model.{name} {_yaml(settings[name])}" for name in set_otherwise)
        advice = " and ".join(f"model.{name} to {_yaml(frozen[name])}" for name in set_otherwise)
        raise InputError(
            f"model.weights is null, and {found} would keep layers as random as they are: set {advice}, or give "
            f"model.weights or start_from."
        )


def _yaml(value: int | bool) -> str:
    return str(value).lower()
