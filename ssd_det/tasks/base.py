"""What every task shares: classes, checkpoints, the logging of losses, optimiser and schedule."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.plugins import MixedPrecision, Precision
from lightning.pytorch.utilities import GradClipAlgorithmType
from torch import Tensor
from torch.optim import Optimizer

from ssd_det.annotations.categories import different_categories
from ssd_det.annotations.coco import Category
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.errors import InputError
from ssd_det.ops.bag_pooling import check_adaptive
from ssd_det.tasks.checkpoint import ADVICE, Checkpoint, categories_of, load_checkpoint, plain
from ssd_det.tasks.new_training import built_for_trial
from ssd_det.tasks.optimisation import OPTIMISATION, optimizers_and_schedules
from ssd_det.tasks.setting_ranges import check_finite, check_range
from ssd_det.tasks.training_state import unusable_state
from ssd_det.value_types import types_of_arguments, wrong_value

COLOURS = 3
TRAINING_ONLY = OPTIMISATION | {"weights"}


class Task(LightningModule):
    """A network that is built when the class list is known, from the data or from a checkpoint.

    A task's constructor keeps its settings with ``save_hyperparameters`` and calls :meth:`check_settings`.

    Attributes:
        NAME: what the checkpoints are checkpoints of.
        ACCEPTED: what else may be restored from, as it holds this network among others.
        DATA: the data module that it works with.
        COMMANDS: the methods of the Trainer that make sense for it.
        FREE: settings that a user may choose anew for a trained network.
        categories: the classes in the order of the labels; ``None`` until they are known.
    """

    NAME: ClassVar[str]
    ACCEPTED: ClassVar[frozenset[str]] = frozenset()
    DATA: ClassVar[type[CocoDataModule]]
    COMMANDS: ClassVar[frozenset[str]]
    FREE: ClassVar[frozenset[str]] = TRAINING_ONLY

    def __init__(self) -> None:
        super().__init__()
        self.categories: list[Category] | None = None

    def check_settings(self) -> None:
        """Make sure of the settings that every task has.

        Raises:
            InputError: if one is out of range.
        """
        settings = self.hparams
        check_finite(settings)
        check_range(1, settings, "feature_width")
        check_range(0, settings, "learning_rate", "momentum", "weight_decay", "warmup_steps")
        mean, deviation = settings["image_mean"], settings["image_std"]
        if len(mean) != COLOURS or len(deviation) != COLOURS or not all(each > 0 for each in deviation):
            raise InputError("model.image_mean and model.image_std need 3 numbers each, the deviations above 0.")

    def setup(self, stage: str) -> None:
        """Take the class list from the data module, unless a checkpoint gave one.

        Raises:
            InputError: if the data module belongs to another task, or the data has other classes.
        """
        datamodule = self.trainer.datamodule  # type: ignore[attr-defined]
        self.check_data(datamodule)
        self.check_device(self.trainer.strategy.root_device)
        if self.categories is not None:
            datamodule.take_classes(self.categories)
        coco = datamodule.coco_for(stage)
        if self.categories is None:
            self.categories = coco.categories
        self.check_categories(coco.categories, coco.path)

    def take_data(self, datamodule: CocoDataModule) -> None:
        """Take from the data of a training what the network depends on: the class list."""
        self.categories = datamodule.categories

    def known_categories(self) -> list[Category]:
        """The class list in time for :meth:`configure_model`, which some callbacks call before :meth:`setup`."""
        if self.categories is None:
            self.setup("fit")
        assert self.categories is not None
        return self.categories

    def check_device(self, device: torch.device) -> None:
        """Make sure that a device can do what the settings ask for.

        Raises:
            InputError: if not, see :func:`ssd_det.ops.bag_pooling.check_adaptive`.
        """
        check_adaptive(self.hparams["sampling_ratio"], device)

    def check_data(self, datamodule: object) -> None:
        """Make sure that a data module is the one that belongs to the task.

        Raises:
            InputError: if not.
        """
        if not isinstance(datamodule, self.DATA):
            raise InputError(
                f"model.class_path is {type(self).__name__}, which does not go with {type(datamodule).__name__}: "
                f"set data.class_path to {self.DATA.__name__}."
            )

    @abstractmethod
    def configure_model(self) -> None:
        """Build the network for the class list, unless it is there."""

    def log_losses(self, terms: Mapping[str, Tensor], count: int) -> Tensor:
        """Log the terms of the loss and their sum.

        Args:
            terms: scalars, by name.
            count: images in the batch.

        Returns:
            The sum.

        Raises:
            InputError: if it is not finite.
        """
        loss = torch.stack(list(terms.values())).sum()
        if not loss.isfinite():
            raise InputError(
                f"The loss became {loss.item()} at step {self.global_step} "
                f"({', '.join(f'{name} {value.item():.4g}' for name, value in terms.items())}): "
                f"lower model.learning_rate or set trainer.gradient_clip_val."
            )
        self.log_dict({name: value.detach() for name, value in terms.items()}, batch_size=count)
        self.log("loss", loss.detach(), prog_bar=True, batch_size=count)
        self.log("learning_rate", self.trainer.optimizers[0].param_groups[0]["lr"], batch_size=count)
        return loss

    def configure_optimizers(self) -> Any:
        """SGD or AdamW with linear warm-up by step and decay by epoch (section 4.1)."""
        return optimizers_and_schedules(self.parameters(), self.hparams)

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip, which Lightning refuses for fused optimisers in mixed precision, though bfloat16 is not scaled."""
        plugin = self.trainer.precision_plugin
        if isinstance(plugin, MixedPrecision) and plugin.scaler is None:
            algorithm = GradClipAlgorithmType(gradient_clip_algorithm or GradClipAlgorithmType.NORM)
            Precision.clip_gradients(plugin, optimizer, gradient_clip_val or 0.0, algorithm)
        else:
            super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def on_save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep the class list and the settings with the weights."""
        assert self.categories is not None
        # Under Lightning's own key the command line would let them override, unsaid, what a user wrote.
        checkpoint["settings"] = checkpoint.pop(self.CHECKPOINT_HYPER_PARAMS_KEY, dict(self.hparams))
        checkpoint["task"] = self.NAME
        checkpoint["categories"] = [category._asdict() for category in self.categories]

    def on_load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Check the class list when a training goes on, and that it can.

        Raises:
            InputError: if the data has other classes, or the checkpoint is one of something else.
        """
        path = self.trainer.ckpt_path or "the checkpoint"
        self.check_content(checkpoint, path)
        data_categories, self.categories = self.categories, categories_of(checkpoint)
        self.check_categories(data_categories or self.categories, "the data")
        if (part := unusable_state(self, checkpoint)) is not None:
            raise InputError(f"{path}: does not hold the state of a training ({part}): {ADVICE}.")

    def adopt(
        self,
        path: str | Path,
        given: frozenset[str] = frozenset(),
        free: frozenset[str] | None = None,
        accepted: frozenset[str] = frozenset(),
    ) -> Checkpoint:
        """Take over the settings and the class list of a checkpoint, but for the free settings that were given.

        Args:
            path: a checkpoint that ``fit`` wrote.
            given: names of the settings that a user wrote out, which a checkpoint may not contradict.
            free: settings that may differ; :attr:`FREE` where not given.
            accepted: other tasks whose checkpoint serves as well.

        Returns:
            The checkpoint.

        Raises:
            InputError: if it is something else, or contradicts a setting that was given.
        """
        checkpoint = load_checkpoint(path, self.NAME, accepted)
        self.check_content(checkpoint, path)
        settings: dict[str, Any] = checkpoint["settings"]
        free = self.FREE if free is None else free
        kept = {name: self.hparams[name] for name in given & free}
        for name in sorted(given - free):
            mine, theirs = plain(self.hparams[name]), plain(settings.get(name))
            if mine != theirs:
                raise InputError(
                    f"model.{name} is {mine}, but {path} was trained with {theirs}: "
                    f"remove the setting, give the config.yaml of that training, or use another checkpoint."
                )
        self.categories = categories_of(checkpoint)
        self.hparams.update({**settings, "weights": None})
        self._check_shapes(checkpoint, path)
        self.hparams.update({**kept, "weights": None})
        return checkpoint

    def check_content(self, checkpoint: Checkpoint, path: str | Path) -> None:
        """Make sure that a checkpoint holds what this task takes from it.

        Args:
            checkpoint: one that has what all tasks share.
            path: where it was read from.

        Raises:
            InputError: if a setting is of another type.
        """
        if (name := wrong_value(checkpoint["settings"], self.types_of_settings())) is not None:
            raise self.foreign_checkpoint(path, f"its setting {name} is of another type")

    def foreign_checkpoint(self, path: str | Path, why: str) -> InputError:
        """The error about a file that is not a checkpoint of this task."""
        return InputError(f"{path}: is not a checkpoint of a {self.NAME} ({why}): {ADVICE}.")

    @classmethod
    def types_of_settings(cls) -> dict[str, Any]:
        """The types of the settings, by name."""
        return types_of_arguments(cls)

    def _check_shapes(self, checkpoint: Checkpoint, path: str | Path) -> None:
        """Make sure that the settings of a checkpoint are in range, and its weights those of a network of them.

        Raises:
            InputError: if not.
        """
        try:
            self.check_settings()
            twin = built_for_trial(self)
            shapes = {name: value.shape for name, value in twin.state_dict().items()}
            found = {name: value.shape for name, value in twin._own_weights(checkpoint).items()}
        except InputError as error:
            raise self.foreign_checkpoint(path, error.sentence) from None
        except (RuntimeError, KeyError, TypeError, ValueError) as error:
            raise self.foreign_checkpoint(path, type(error).__name__) from error
        other = sorted({name for name, _ in shapes.items() ^ found.items()})
        if other:
            raise self.foreign_checkpoint(path, f"its weights do not fit its settings, such as {other[0]}")

    def restore(self, path: str | Path, given: frozenset[str] = frozenset()) -> Checkpoint:
        """Become the network that a checkpoint holds: settings, class list and weights.

        Args:
            path: a checkpoint that ``fit`` wrote.
            given: names of the settings that a user wrote out, which a checkpoint may not contradict.

        Returns:
            The checkpoint.

        Raises:
            InputError: see :meth:`adopt`.
        """
        checkpoint = self.adopt(path, given, accepted=self.ACCEPTED)
        self.configure_model()
        self.load_state_dict(self._own_weights(checkpoint))
        return checkpoint

    def begin_from(self, path: str | Path, given: frozenset[str], datamodule: CocoDataModule) -> None:
        """Begin a new training with what another one has learnt.

        Args:
            path: its checkpoint.
            given: names of the settings that a user wrote out, which the checkpoint may not contradict.
            datamodule: what the new training learns from.

        Raises:
            InputError: see :meth:`adopt`.
        """
        self.restore(path, given)

    def _own_weights(self, checkpoint: Mapping[str, Any]) -> dict[str, Tensor]:
        """The weights of this network in a checkpoint, which may be one of a larger network."""
        weights: dict[str, Tensor] = checkpoint["state_dict"]
        if checkpoint["task"] == self.NAME:
            return weights
        own = self.state_dict().keys()
        shorter = {name.partition(".")[2]: value for name, value in weights.items()}
        return {name: value for name, value in shorter.items() if name in own}

    def check_categories(self, categories: Sequence[Category], source: str | Path) -> None:
        """Make sure that data has the classes that the network knows.

        Raises:
            InputError: if not; it names those that only one of them has.
        """
        known = self.categories or []
        if list(categories) != known:
            raise InputError(different_categories(source, categories, "the training data", known))
