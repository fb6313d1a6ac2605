"""What the tasks share that train a refiner: what a step logs, and a sampler that follows the noise of the boxes."""

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, cast

from lightning.pytorch.utilities import rank_zero_info
from lightning.pytorch.utilities.types import STEP_OUTPUT
from torch import Tensor

from ssd_det.batches.batch import RefineBatch
from ssd_det.batches.refine_datamodule import UNSEEN_IMAGES, are_unseen_images
from ssd_det.models.refiner import Refiner
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.device_values import copied_to
from ssd_det.ops.sampling import random_proposals
from ssd_det.tasks.base import Task
from ssd_det.tasks.checkpoint import Checkpoint
from ssd_det.tasks.noise_estimate import NoiseEstimate, is_noise_state

NOISE = "noise"


class StepResult(TypedDict):
    """What a training step hands on to the callbacks; Lightning takes the loss from it."""

    loss: Tensor
    output: RefinerOutput


class RefinerTraining(Task):
    """A task with a refiner among its networks.

    Attributes:
        noise: what is known of the noise of the boxes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.noise = NoiseEstimate()

    @property
    @abstractmethod
    def built_refiner(self) -> Refiner | None:
        """The refiner, once it has been built."""

    def random_proposals(self, batch: RefineBatch) -> Tensor | None:
        """Which proposals of all bags take part in a training step, ``LongTensor[training_proposals]``, or ``None``."""
        assert self.built_refiner is not None
        count, bag_size = self.hparams["training_proposals"], self.built_refiner.head.bag_size
        if not 0 < count < bag_size:
            return None
        return copied_to(batch.images.device, random_proposals(batch.seeds, count, bag_size))

    def finish_step(self, terms: Mapping[str, Tensor], output: RefinerOutput, count: int) -> StepResult:
        """Log the losses, and hand on to the callbacks what the step found.

        Args:
            terms: scalars, by name.
            output: of the refiner.
            count: images in the batch.
        """
        loss = self.log_losses(terms, count)
        self.log("omega", output.omega.mean() if len(output.omega) else 0.0, prog_bar=True, batch_size=count)
        return StepResult(loss=loss, output=output)

    def on_train_batch_end(self, outputs: STEP_OUTPUT, batch: RefineBatch, batch_idx: int) -> None:
        """Observe what SPSD does as training begins, and after ``noise_steps`` fit the sampler to the noise."""
        super().on_train_batch_end(outputs, batch, batch_idx)
        steps = self.hparams["noise_steps"]
        if self.hparams["sampler"] == "fixed" or self.noise.level is not None or self.global_step <= steps // 2:
            return
        self.noise.add(cast("StepResult", outputs)["output"], batch.objects)
        if self.global_step >= steps:
            self.noise.conclude(self._over_processes)
            self.fit_sampler()
        if self.noise.level is not None:
            rank_zero_info(
                f"The noise of the boxes is estimated at level {self.noise.level:.2f}: {self._describe_sampler()}."
            )

    def fit_sampler(self) -> None:
        """Make the bags as wide as the noise, as soon as both the refiner and the noise are known."""
        refiner = self.built_refiner
        if refiner is not None and self.noise.level is not None and self.hparams["sampler"] == "auto":
            refiner.head.fit_sampler(self.noise.level)

    def on_save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Keep what is known of the noise as well."""
        super().on_save_checkpoint(checkpoint)
        checkpoint[NOISE] = self.noise.state()

    def on_load_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Take over what is known of the noise as well."""
        super().on_load_checkpoint(checkpoint)
        self._take_noise(checkpoint)

    def adopt(
        self,
        path: str | Path,
        given: frozenset[str] = frozenset(),
        free: frozenset[str] | None = None,
        accepted: frozenset[str] = frozenset(),
    ) -> Checkpoint:
        """Take over what is known of the noise as well; see :meth:`ssd_det.tasks.base.Task.adopt`."""
        checkpoint = super().adopt(path, given, free, accepted)
        self._take_noise(checkpoint)
        return checkpoint

    def check_content(self, checkpoint: Checkpoint, path: str | Path) -> None:
        """Make sure of what it keeps of the noise and of the images as well.

        Raises:
            InputError: if it is of another type; see :meth:`ssd_det.tasks.base.Task.check_content`.
        """
        super().check_content(checkpoint, path)
        if not is_noise_state(checkpoint.get(NOISE)):
            fault = f"its {NOISE} is no estimate"
        elif not are_unseen_images(checkpoint):
            fault = f"its {UNSEEN_IMAGES} are no ids"
        else:
            return
        raise self.foreign_checkpoint(path, fault)

    def _take_noise(self, checkpoint: Mapping[str, Any]) -> None:
        """Checkpoints from before there was an estimate have none, and the sampler that their settings say."""
        noise = checkpoint.get(NOISE)
        if noise is None:
            self.hparams["sampler"] = "fixed"
            return
        self.noise.restore(noise)
        self.fit_sampler()

    def _over_processes(self, sums: Tensor) -> Tensor:
        return cast(Tensor, self.trainer.strategy.reduce(sums.to(self.device), reduce_op="sum"))

    def _describe_sampler(self) -> str:
        assert self.built_refiner is not None
        head = self.built_refiner.head
        ratios, offsets = (", ".join(f"{value:.2f}" for value in values) for values in (head.ratios, head.offsets))
        return f"sampler with ratios {ratios} and offsets {offsets}"
