"""Lightning's Trainer, which can refine an annotation file as well."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from lightning.fabric.plugins.precision.precision import _PRECISION_INPUT
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.accelerators import Accelerator
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities.exceptions import SIGTERMException

from ssd_det.annotations.categories import with_classes_of
from ssd_det.annotations.coco import parse_coco
from ssd_det.annotations.edits.refined import Guard, RefineSummary, refined_content
from ssd_det.annotations.formats.destination import check_destination, save_annotations
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule, unseen_images
from ssd_det.console import say
from ssd_det.errors import InputError
from ssd_det.models.views import make_views
from ssd_det.precision import fast_precision
from ssd_det.refining.refine_file import RefinedFile, refine_file
from ssd_det.refining.view_scales import check_scales
from ssd_det.report.folder_messages import print_folder
from ssd_det.report.screen_tables import print_calibration, print_summary
from ssd_det.report.tolerant_wandb import giving_up, working
from ssd_det.report.tracking import track_refined
from ssd_det.tasks.base import Task
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import TrainedRefiner
from ssd_det.training_stop import StopRequest, can_stop, listen, stop

TOO_FEW_BOXES = "too few boxes to learn which are better"
COUNTS_TO_TRAIN = ("max_epochs", "max_steps", "limit_train_batches")
COUNTS_WITHIN_TRAINING = ("accumulate_grad_batches", "check_val_every_n_epoch")


class SSDDetTrainer(Trainer):
    """A Trainer with one more method, whose trainings may start from others, and end well whatever stops them.

    Args:
        accelerator: see Lightning.
        precision: see Lightning; ``auto`` for the one in which the device is fast, ``bf16-mixed`` or ``32-true``.
        settings: all others; see Lightning.

    Raises:
        InputError: if Lightning refuses one.
    """

    def __init__(
        self,
        *,
        accelerator: str | Accelerator = "auto",
        precision: _PRECISION_INPUT | Literal["auto"] | None = None,
        **settings: Any,
    ) -> None:
        if precision == "auto":
            precision = fast_precision(accelerator)
        try:
            super().__init__(accelerator=accelerator, precision=precision, **settings)
        except (MisconfigurationException, TypeError, ValueError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".!")
            raise InputError(f"Lightning cannot make a trainer ({reason}): correct the trainer's settings.") from error

    @cached_property
    def _stop_request(self) -> StopRequest:
        return StopRequest()

    @property
    def received_sigterm(self) -> bool:
        """Whether the training ends here; Lightning asks after every step and epoch, on all processes."""
        return self.training and can_stop(self) and self._stop_request.of_any_process(self)

    def _run_stage(self) -> Any:
        """Run what the Trainer has been set up for, Lightning's handlers of signals included.

        Raises:
            Stopped: if a signal has ended the training.
        """
        if self.state.fn != TrainerFn.FITTING:
            listen(self, None)
            return super()._run_stage()
        listen(self, self._stop_request)
        with suppress(SIGTERMException):
            super()._run_stage()
        if self._stop_request.number is not None:
            raise stop(self, self._stop_request.number)
        return None

    def save_checkpoint(
        self, filepath: str | Path, weights_only: bool | None = None, storage_options: Any | None = None
    ) -> None:
        """Save a checkpoint; see Lightning.

        Raises:
            InputError: on every process, if the first cannot write it.
        """
        refusal = None
        try:
            super().save_checkpoint(filepath, weights_only, storage_options)
        except InputError as error:
            refusal = error.sentence
            self.strategy.barrier()  # where the others wait
        refusal = self.strategy.broadcast(refusal)
        if refusal is not None:
            raise InputError(refusal)

    def fit(
        self,
        model: LightningModule,
        train_dataloaders: Any = None,
        val_dataloaders: Any = None,
        datamodule: LightningDataModule | None = None,
        ckpt_path: str | Path | None = None,
        weights_only: bool | None = None,
        start_from: str | None = None,
        given: frozenset[str] = frozenset(),
    ) -> None:
        """Train a model; see Lightning.

        Args:
            model: to train.
            train_dataloaders: in place of the datamodule's.
            val_dataloaders: in place of the datamodule's.
            datamodule: the annotation file and its images.
            ckpt_path: the checkpoint of a training that was stopped, to go on with it where it was.
            weights_only: see Lightning.
            start_from: the checkpoint of another training, whose weights and estimate of the noise a new one begins
                with, in place of model.weights; a detector also begins with the backbone and the pyramid of a refiner.
                Not read where ckpt_path is given.
            given: names of the model's settings that a user wrote out, which start_from may not contradict.

        Raises:
            InputError: if an input cannot be used.
        """
        if start_from is not None and ckpt_path is None:
            cast("Task", model).begin_from(start_from, given, cast(CocoDataModule, datamodule))
        super().fit(model, train_dataloaders, val_dataloaders, datamodule, ckpt_path, weights_only)

    def refine_annotations(
        self,
        model: RefineTask | JointTask,
        datamodule: RefineDataModule | JointDataModule,
        checkpoint: str,
        output: str,
        other_checkpoints: Sequence[str] = (),
        overwrite: bool = False,
        skip_missing_images: bool = False,
        average_over_flip: bool = False,
        average_over_scales: Sequence[float] = (),
        min_score: float | None = None,
        max_shift: float | None = None,
        calibration_images: int = 500,
        given: frozenset[str] = frozenset(),
    ) -> RefineSummary:
        """Write an annotation file with refined boxes.

        Args:
            model: takes its architecture, classes and weights from the checkpoint.
            datamodule: the annotation file and its images.
            checkpoint: made by ``fit``, of the refiner or of a joint model.
            other_checkpoints: of other refiners of the same classes, such as those of other folds; boxes are averaged
                over all of them.
            output: what to write, in the format of the input: a COCO json file, or a folder, which gets a json file of
                its name beside it. A name that ends in .json is a COCO json file for any input.
            overwrite: allow the output to exist, or to be the input.
            skip_missing_images: let annotations of missing images pass through.
            average_over_flip: refine mirrored images as well, and average.
            average_over_scales: refine images scaled by these factors as well, and average.
            min_score: keep the box of an annotation whose refine_score, the probability that the refined box is
                closer to the truth, is below it; learnt from the data where not given, 0 to take every refined box.
                Where there are fewer than 20 boxes to learn it from, none is taken unless this is given.
            max_shift: keep the box of an annotation if a side of it would move by more than this share of the
                box's width or height.
            calibration_images: learn the probabilities on so many images, which are refined again; 0 for
                not at all: then refine_score is the IoU that the refiner predicts, and min_score has no default.
            given: names of the model's settings that a user wrote out, which the checkpoint may not contradict.

        Returns:
            What was changed.

        Raises:
            InputError: if an input cannot be used or the output cannot be written.
        """
        guard = Guard(min_score, max_shift)
        if calibration_images < 0:
            raise InputError(f"calibration_images is {calibration_images}: give a number from 0 up.")
        check_scales(average_over_scales)
        model.check_data(datamodule)
        inputs = datamodule.noisy_annotations
        checkpoints = [checkpoint, *other_checkpoints]
        trusted = [datamodule.trusted] if datamodule.trusted else []
        destination = check_destination(output, inputs, [*checkpoints, *trusted], overwrite)
        data = datamodule.to_refine(skip_missing_images)
        tasks, refiners = zip(*(_trained(model, path, given) for path in checkpoints), strict=True)
        for task, path in zip(tasks[1:], other_checkpoints, strict=True):
            task.check_categories(tasks[0].known_categories(), path)
        data = replace(data, coco=with_classes_of(data.coco, "the training data", tasks[0].known_categories()))
        views = make_views(average_over_flip, average_over_scales)

        def conclude(refined: RefinedFile) -> RefineSummary:
            chosen, passed_over = guard, data.passed_over
            if refined.calibration is not None:
                chosen = guard.with_default(refined.calibration.min_score)
            elif calibration_images and min_score is None:
                passed_over = passed_over | dict.fromkeys((image.id for image in data.coco.images), TOO_FEW_BOXES)
            content, summary = refined_content(data.coco, refined.refinements, passed_over, chosen)
            kept = save_annotations(data.as_read or data.coco, content, destination)
            print_calibration(refined.noise_level, refined.calibration)
            if refined.rest:
                say(refined.rest.sentence)
            print_summary(summary, destination.path)
            if destination.folder:
                print_folder(destination.json, kept)
            for logger in working(self.loggers):
                with giving_up(logger):
                    track_refined(logger, parse_coco(destination.json, content), data.paths, destination.json)
            return summary

        return refine_file(self, refiners, data, views, calibration_images, datamodule.seed, conclude)


def check_training_settings(trainer: Trainer) -> None:
    """Make sure of what Lightning takes without a word, and then trains nothing with or fails in the middle of.

    Raises:
        InputError: if a setting is out of range.
    """
    for name in COUNTS_TO_TRAIN:
        if getattr(trainer, name) == 0:
            raise InputError(f"trainer.{name} is 0, so nothing would be trained: give a number above 0.")
    for name in COUNTS_WITHIN_TRAINING:
        value = getattr(trainer, name)
        if value is not None and value < 1:
            raise InputError(f"trainer.{name} is {value}: give a number from 1 up.")
    if trainer.overfit_batches:  # type: ignore[attr-defined]
        raise InputError(
            "trainer.overfit_batches takes the data in an order that they do not have: leave it out, and set "
            "trainer.limit_train_batches."
        )


def _trained(
    model: RefineTask | JointTask, checkpoint: str, given: frozenset[str]
) -> tuple[RefineTask, TrainedRefiner]:
    """The refiner of a checkpoint, and the task that knows its classes."""
    task = RefineTask.from_settings(model.hparams)
    kept = task.restore(checkpoint, given & task.hparams.keys())
    assert task.refiner is not None
    return task, TrainedRefiner(task.refiner, unseen_images(kept))
