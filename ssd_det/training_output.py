"""What the commands with a model print: one line about the machine and the model, and no message that nobody needs."""

import logging
import re
import warnings
from collections.abc import Iterable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger, WandbLogger
from lightning.pytorch.utilities.model_summary.model_summary import get_human_readable_count

from ssd_det.console import say

# Beginnings of messages by logger: advertisements, and what the line of StartLine and the last line of a command say.
NEEDLESS_RECORDS = {
    "lightning.pytorch.utilities.rank_zero": (
        "GPU available: ",
        "TPU available: ",
        "💡 Tip: ",
        "Restoring states from the checkpoint path at ",
        "Loaded model weights from the checkpoint at ",
        "`Trainer.fit` stopped: `max_epochs=",
        "`Trainer.fit` stopped: `max_steps=",
        "Using bfloat16 Automatic Mixed Precision",
        "Using 16bit Automatic Mixed Precision",
        "You are using a CUDA device (",  # and should set what no option sets
        f"{'-' * 100}\ndistributed_backend=",
    ),
    "lightning.fabric.utilities.distributed": ("Initializing distributed: ",),
    "lightning.pytorch.accelerators.cuda": ("LOCAL_RANK: ",),
    "lightning.fabric.utilities.seed": ("Seed set to ",),
    "asyncio": ("socket.send() raised exception.",),  # wandb's process has ended, which is said once
    "root": ("Images sizes do not match.",),  # wandb's, of panels, each of which has the size of its image
}
RANK = r"(\[rank: \d+\] )?"
# Beginnings of warnings, as regular expressions, about what is meant to be so, or what a user cannot change.
NEEDLESS_WARNINGS = (
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's use of torch
    r"Total length of `list` across ranks is zero",  # no images are kept aside
    r"The number of training batches \(\d+\) is smaller than the logging interval",  # epochs are logged as well
    r"Experiment logs directory ",  # the folder of a stage, or of wandb's log, is not empty; logs are set aside
    r"The dirpath has changed from ",  # a test writes elsewhere than the training
    r"You're resuming from a checkpoint that ended before the epoch ended",  # EpochSampler begins behind what was seen
    r"You're using the WeightAveraging callback with a model that overrides the configure_model",  # nothing is sharded
    r"Found \d+ module\(s\) in eval mode at the start of training",  # those that are frozen
    r"Image size \(\d+ pixels\) exceeds limit of ",  # Pillow's, of large images; those beyond its limit are errors
)


class WithoutNeedless(logging.Filter):
    """Lets all messages of a logger pass but those that begin in certain ways.

    Args:
        beginnings: of the messages.
    """

    def __init__(self, beginnings: Iterable[str]) -> None:
        super().__init__()
        self.pattern = re.compile(f"{RANK}({'|'.join(map(re.escape, beginnings))})")

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a message passes."""
        return self.pattern.match(record.getMessage()) is None


def leave_out_needless_messages() -> None:
    """Leave out what libraries print and no user can use; everything else still appears."""
    logging.raiseExceptions = False  # of a log that cannot be written, wandb's, of each line a traceback
    for name, beginnings in NEEDLESS_RECORDS.items():
        logger = logging.getLogger(name)
        if not any(isinstance(known, WithoutNeedless) for known in logger.filters):
            logger.addFilter(WithoutNeedless(beginnings))
    for beginning in NEEDLESS_WARNINGS:
        warnings.filterwarnings("ignore", RANK + beginning)


def leave_out_anonymity(loggers: Iterable[Logger]) -> None:
    """Keep wandb from warning of a setting that Lightning hands to it though nobody has set it."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger._wandb_init.pop("anonymous", None)


class StartLine(Callback):
    """Says, when work begins, what it is done on, how precisely, and how large the model is, in one line."""

    def __init__(self) -> None:
        self.said = False

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say it once: refining goes over the images several times."""
        if not self.said and trainer.is_global_zero:
            say(f"On {_devices(trainer, pl_module)}, precision {trainer.precision}: {_size(pl_module)}.")
        self.said = True

    on_validation_start = on_test_start = on_predict_start = on_fit_start


def _devices(trainer: Trainer, model: LightningModule) -> str:
    device = model.device
    name = f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
    return f"{name} and {trainer.world_size - 1} more" if trainer.world_size > 1 else name


def _size(model: LightningModule) -> str:
    """How many parameters a model has, and how many of them a training changes."""
    sizes = [(parameter.numel(), parameter.requires_grad) for parameter in model.parameters()]
    parameters, frozen = sum(size for size, _ in sizes), sum(size for size, trained in sizes if not trained)
    text = f"{get_human_readable_count(parameters).strip()} parameters"
    return f"{text}, {get_human_readable_count(frozen).strip()} of them frozen" if frozen else text
