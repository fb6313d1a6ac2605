"""LightningCLI for the commands that need a model and data."""

from importlib.util import find_spec
from types import MappingProxyType
from typing import cast

from jsonargparse import ArgumentParser
from lightning.pytorch.cli import ArgsType, LightningArgumentParser, LightningCLI

from ssd_det.data.datamodule import RefineDataModule
from ssd_det.errors import InputError
from ssd_det.tasks.checkpoint import load_checkpoint
from ssd_det.tasks.refine import RefineTask
from ssd_det.trainer import RefineTrainer

CHECKPOINT_WORDS = ("last", "best", "hpc")


class RefineCLI(LightningCLI):
    """``fit`` and ``refine-annotations``.

    Args:
        arguments: the words after ``ssd-det``.
    """

    COMMANDS = MappingProxyType(
        {
            "fit": "Train the refiner on noisy boxes.",
            "refine-annotations": "Write an annotation file with refined boxes.",
        }
    )

    def __init__(self, arguments: list[str]) -> None:
        super().__init__(
            RefineTask,
            RefineDataModule,
            trainer_class=RefineTrainer,
            seed_everything_default=0,
            save_config_kwargs={"overwrite": True},
            parser_kwargs={"prog": "ssd-det"},
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,  # keeps the hyperparameters of checkpoints plain
            args=arguments,
        )

    @staticmethod
    def subcommands() -> dict[str, set[str]]:
        """The Trainer's methods that are commands, and their parameters that are not options."""
        return {
            "fit": {"model", "train_dataloaders", "val_dataloaders", "datamodule"},
            "refine_annotations": {"model", "datamodule"},
        }

    def parse_arguments(self, parser: LightningArgumentParser, args: ArgsType) -> None:
        """Parse, look at a checkpoint to go on from, and note which settings of the model were written out."""
        for subparser in self._subcommand_parsers.values():
            allow_bare_flags(subparser)
        words = cast("list[str]", args)
        self.config = parser.parse_args(words)
        written = parser.parse_args(words, defaults=False)
        resumed = self.config[self.config.subcommand].get("ckpt_path")
        if resumed not in (None, *CHECKPOINT_WORDS):
            load_checkpoint(resumed)
        model = written[written.subcommand].get("model")
        self.given = frozenset(vars(model) if model else ())

    def before_instantiate_classes(self) -> None:
        """Make sure of an optional package, and leave the folder of the training alone when only refining.

        Raises:
            InputError: if tracking with wandb is asked for and wandb is not installed.
        """
        trainer = self.config[self.subcommand].trainer
        if self.subcommand == "refine_annotations":
            self.save_config_callback = None
            trainer.logger = False
        if "WandbLogger" in str(trainer.logger) and find_spec("wandb") is None:
            raise InputError("wandb is not installed: pip install 'ssd-det[wandb]', or choose another trainer.logger.")

    def before_fit(self) -> None:
        """Read the annotations before any process is started, so that bad input ends here."""
        self.datamodule.count_refinable()

    def before_refine_annotations(self) -> None:
        """Hand on what the user wrote out."""
        self.model.given = self.given


def allow_bare_flags(parser: ArgumentParser) -> None:
    """Let ``--flag`` alone mean ``--flag true``."""
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:
            action.nargs, action.const = "?", True
