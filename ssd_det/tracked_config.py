"""The configuration of a command, as it is kept beside what the command makes."""

import copy
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, SaveConfigCallback
from lightning.pytorch.trainer.states import TrainerFn

from ssd_det.flags import leave_out_folders
from ssd_det.report.tolerant_wandb import giving_up, working
from ssd_det.write_errors import writing

OF_ONE_CALL = ("ckpt_path", "weights_only", "start_from")  # where this training began is nothing for another command


class TrackedConfig(SaveConfigCallback):
    """Write ``config.yaml`` beside the metrics, and hand the whole configuration to wandb.

    It names no folder of its own training, so that another one with it leaves this one alone.
    """

    def __init__(self, parser: LightningArgumentParser, config: Namespace, *args: Any, **kwargs: Any) -> None:
        kept = config.clone()
        for name in OF_ONE_CALL:
            kept.pop(name, None)
        kept.trainer = copy.deepcopy(kept.trainer)
        leave_out_folders(kept.trainer)
        super().__init__(parser, kept, *args, **kwargs)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write nothing yet: the training may fail before it starts."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the file.

        Raises:
            InputError: if the disk refuses.
        """
        with writing(Path(trainer.log_dir or "") / self.config_filename):
            super().setup(trainer, pl_module, TrainerFn.FITTING)

    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Hand the configuration on."""
        for logger in working(trainer.loggers):
            with giving_up(logger):
                logger.experiment.config.update({"config": self.config.as_dict()}, allow_val_change=True)
