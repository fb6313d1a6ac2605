"""LightningCLI for the commands that need a model and data."""

import os
import time
from pathlib import Path
from typing import Any, cast

import torch
from jsonargparse import Namespace, get_loader, set_loader
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only
from yaml import YAMLError

from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.box_panels import BoxPanels
from ssd_det.callbacks.box_quality import BoxQuality
from ssd_det.callbacks.detection_metrics import DetectionMetrics
from ssd_det.callbacks.earlier_training import EarlierTraining
from ssd_det.checkpoint_io import WholeCheckpointIO
from ssd_det.class_names import with_short_names
from ssd_det.errors import InputError
from ssd_det.flags import (
    UNSET_FOLDERS,
    allow_bare_flags,
    check_configurations,
    print_errors_safely,
    source_of,
)
from ssd_det.foreign.yaml_limits import CONFIGURATION, check_limits
from ssd_det.report.metrics_log import whole_log
from ssd_det.report.tolerant_wandb import tolerant
from ssd_det.starting.threads import check_threads
from ssd_det.stopping import Stopped
from ssd_det.tasks.base import Task
from ssd_det.tasks.checkpoint import load_checkpoint
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.new_training import built_for_trial, check_random_weights, is_trial
from ssd_det.tasks.refine import RefineTask
from ssd_det.tracked_config import TrackedConfig
from ssd_det.trainer import SSDDetTrainer, check_training_settings
from ssd_det.training_output import StartLine, leave_out_anonymity, leave_out_needless_messages
from ssd_det.training_stop import end_launched

CHECKPOINT_WORDS = ("last", "best", "hpc")
PARAMETERS = {
    "fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule", "given"},
    "validate": {"model", "dataloaders", "datamodule", "verbose"},
    "refine_annotations": {"model", "datamodule", "given"},
    "test": {"model", "dataloaders", "datamodule", "verbose"},
    "predict": {"model", "dataloaders", "datamodule", "return_predictions"},
}
"""The Trainer's methods that are commands, and their parameters that are not options."""
DEFAULT_TASK = RefineTask.__name__
DEFAULT_DATA = RefineDataModule.__name__
MEASURED = ("fit", "validate", "test", "predict")


# Configurations name them without their modules, which works for classes that have been imported.
NAMED = (
    *(RefineTask, JointTask, DetectTask),
    *(RefineDataModule, JointDataModule, DetectDataModule),
    *(BoxQuality, BoxPanels, DetectionMetrics),
)

LARGEST_SEED = 2**32 - 1  # NumPy's
PARSER_MODE = "yaml with short names"


def load_settings(text: str) -> Any:
    """Yaml in which dotted paths of our classes, of this version or an earlier one, have become short names."""
    check_limits(text, CONFIGURATION)
    return with_short_names(get_loader("yaml")(text))


set_loader(PARSER_MODE, load_settings, exceptions=(YAMLError,))


class SSDDetCLI(LightningCLI):
    """The commands that need a model and data, of whichever task the configuration names.

    Args:
        arguments: the words after ``ssd-det``.
    """

    def __init__(self, arguments: list[str]) -> None:
        self._command = arguments[0]
        self._words = [_with_short_names(word) for word in arguments]
        leave_out_needless_messages()
        check_threads(torch.get_num_threads() - 1)
        try:
            super().__init__(
                Task,
                CocoDataModule,
                trainer_class=SSDDetTrainer,
                subclass_mode_model=True,
                subclass_mode_data=True,
                save_config_callback=TrackedConfig,
                seed_everything_default=0,
                save_config_kwargs={"overwrite": True},
                parser_kwargs={"prog": "ssd-det"},
                auto_configure_optimizers=False,
                load_from_checkpoint_support=False,  # keeps the hyperparameters of checkpoints plain
                args=self._words,
            )
        except Stopped:
            if hasattr(self, "trainer"):
                end_launched(self.trainer)
            raise

    def init_parser(self, **kwargs: Any) -> LightningArgumentParser:
        """A parser that knows our classes by name, wherever they were in an earlier version."""
        parser = super().init_parser(parser_mode=PARSER_MODE, **kwargs)
        print_errors_safely(parser, self._command.replace("_", "-"), self._words)
        return parser

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Without a configuration it is the refiner that is meant."""
        parser.set_defaults({"model": {"class_path": DEFAULT_TASK}, "data": {"class_path": DEFAULT_DATA}})

    def subcommands(self) -> dict[str, set[str]]:  # type: ignore[override]  # which is static, and so knows no command
        """The command that was given, as the parsers of the others would take a while."""
        return {self._command: PARAMETERS[self._command]}

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, and note which settings of the model were written out."""
        for subparser in self._subcommand_parsers.values():
            allow_bare_flags(subparser)
        words = cast("list[str]", args)
        check_configurations(words)
        self.config = parser.parse_args(words)
        resumed = self.config[self.config.subcommand].get("ckpt_path")
        if resumed in CHECKPOINT_WORDS:
            raise InputError(f"ckpt_path is {resumed}, a word of Lightning: give the path of a checkpoint.")
        if resumed is not None:
            load_checkpoint(resumed)  # LightningCLI will read it without care
        classes = [f"--model={DEFAULT_TASK}", f"--data={DEFAULT_DATA}"]
        written = parser.parse_args([words[0], *classes, *words[1:]], defaults=False)
        keys = written[written.subcommand].model.get("init_args", {}).keys()
        self.given = frozenset(key.partition(".")[0] for key in keys)

    def _set_seed(self) -> None:
        """Seed everything.

        Raises:
            InputError: if the seed is out of range.
        """
        seed = self._config_of("seed_everything")
        if seed is not None and not 0 <= seed <= LARGEST_SEED:
            raise InputError(f"seed_everything is {seed}: give a number from 0 to {LARGEST_SEED}.")
        super()._set_seed()

    def before_instantiate_classes(self) -> None:
        """Put the logs where ``trainer.default_root_dir`` says; but for training, only wandb is told anything.

        The log of another command would overwrite that of the training.
        """
        trainer = self.config[self.subcommand].trainer
        loggers = trainer.logger if isinstance(trainer.logger, list) else [trainer.logger]
        loggers = [logger for logger in loggers if isinstance(logger, Namespace)]
        if self.subcommand != "fit":
            self.save_config_callback = None
            trainer.logger = loggers = [logger for logger in loggers if logger.class_path.endswith("WandbLogger")]
        for logger in loggers if trainer.default_root_dir else []:
            if "save_dir" in logger.init_args and logger.init_args.save_dir in UNSET_FOLDERS:
                logger.init_args.save_dir = trainer.default_root_dir
        if any(logger.init_args.get("offline") for logger in loggers):  # without a word of accounts
            os.environ.setdefault("WANDB_SILENT", "true")
        if trainer.default_root_dir:  # where wandb keeps artifacts until they are sent
            os.environ.setdefault("WANDB_DATA_DIR", str(Path(trainer.default_root_dir).resolve() / "wandb"))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Add what belongs to our commands: a first line, whole checkpoints that are kept, a detector's metrics."""
        settings = self.config_init[self.subcommand].trainer
        callbacks = [*_listed(settings.callbacks), StartLine(), EarlierTraining()]
        if self.subcommand in MEASURED and not any(isinstance(callback, DetectionMetrics) for callback in callbacks):
            callbacks.append(DetectionMetrics())
        plugins = [*_listed(settings.plugins), WholeCheckpointIO()]
        summary = bool(settings.enable_model_summary)  # Lightning's table, which the line replaces
        loggers = settings.logger  # true, false and None say whether Lightning makes one
        if not isinstance(loggers, bool | None):
            loggers = [whole_log(tolerant(logger)) for logger in _listed(loggers)]
        trainer = super().instantiate_trainer(
            callbacks=callbacks,
            plugins=plugins,
            enable_model_summary=summary,
            logger=loggers,
            **kwargs,
        )
        leave_out_anonymity(trainer.loggers)
        return trainer

    def before_fit(self) -> None:
        """Look at the inputs before any process is started, so that bad input ends here."""
        self._check_task("fit")
        check_training_settings(self.trainer)
        self.datamodule.check_training_data()
        path = self._config_of("ckpt_path") or _requeued(self.trainer)
        if path is not None:
            checkpoint = self.model.adopt(path, self.given, free=frozenset({"weights"}))
            if "optimizer_states" not in checkpoint:
                raise InputError(f"{path}: holds weights alone, no training can go on from it: leave ckpt_path out.")
        elif self._config_of("start_from") is None:
            built_for_trial(self.model, self.datamodule)
            if not is_trial(self.trainer):
                check_random_weights(self.model.hparams)
        _keep_metrics(self.trainer)

    def fit(self, model: Task, **options: Any) -> None:
        """Train, with the model's settings that the user wrote out."""
        if _requeued(self.trainer) is not None:
            options["start_from"] = None
        cast("SSDDetTrainer", self.trainer).fit(model, given=self.given, **options)

    def refine_annotations(self, model: Task, datamodule: CocoDataModule, **options: Any) -> None:
        """Refine, with the model's settings that the user wrote out."""
        self._check_task("refine_annotations")
        cast("SSDDetTrainer", self.trainer).refine_annotations(
            cast("RefineTask | JointTask", model),
            cast("RefineDataModule | JointDataModule", datamodule),
            given=self.given,
            **options,
        )

    def before_test(self) -> None:
        """Take the settings of the checkpoint."""
        self._check_trained("test")

    def before_validate(self) -> None:
        """Take the settings of the checkpoint, and make sure that there are images to validate on."""
        self._check_trained("validate")
        if not self.datamodule.val_dataloader():
            raise InputError("data.validation_share is 0: give the share that the training kept aside.")

    def before_predict(self) -> None:
        """Take the settings of the checkpoint."""
        self._check_trained("predict")

    def _check_trained(self, command: str) -> None:
        self._check_task(command)
        path = self._config_of("ckpt_path")
        if path is None:
            raise InputError(f"{command} has no checkpoint: give --ckpt_path, the path of one that fit wrote.")
        self.model.adopt(path, self.given)
        self.datamodule.take_classes(self.model.known_categories())
        coco = self.datamodule.coco_for(command)
        self.model.check_categories(coco.categories, coco.path)

    def _check_task(self, command: str) -> None:
        if command not in self.model.COMMANDS:
            raise InputError(
                f"{source_of('model.class_path', self._words)}A {self.model.NAME} cannot run "
                f"{command.replace('_', '-')}: give the configuration of another task."
            )
        self.model.check_data(self.datamodule)

    def _config_of(self, name: str) -> Any:
        return self.config[self.subcommand].get(name)


def _with_short_names(word: str) -> str:
    """A word of the command line, with short names of classes instead of dotted paths."""
    option, equals, value = word.rpartition("=")
    return f"{option}{equals}{with_short_names(value)}"


def _listed(setting: Any) -> list[Any]:
    """A setting of the trainer as a list: it may be one, a single object or None."""
    if setting is None:
        return []
    return list(setting) if isinstance(setting, list) else [setting]


def _requeued(trainer: Trainer) -> str | None:
    """The checkpoint of a training that SLURM stopped and queued again, from which Lightning makes it go on."""
    if not SLURMEnvironment.detect():
        return None
    path: str | None = trainer._checkpoint_connector._hpc_resume_path
    return path


@rank_zero_only
def _keep_metrics(trainer: Trainer) -> None:
    """Set the log of an earlier attempt aside, which CSVLogger would delete."""
    for logger in trainer.loggers:
        if isinstance(logger, CSVLogger):
            log = Path(logger.log_dir) / "metrics.csv"
            if log.is_file():
                log.rename(log.with_name(f"metrics.{time.time_ns()}.csv"))
