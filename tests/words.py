"""Words of the command line that several tests use."""

import json

from tests.conftest import TINY_DATA, TINY_MODEL

QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--trainer.enable_model_summary=false"]
DATA = ["--data.annotations=noisy.json", "--data.image_root=images"]


def options(group, settings):
    """Each setting as a word ``--group.name=value``; those of model and data as one, as parsing each takes a while."""
    if group in ("model", "data"):
        return [f"--{group}.init_args={json.dumps(settings)}"]
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in settings.items()}
    return [f"--{group}.{name}={text}" for name, text in texts.items()]


def logging_to(folder):
    """A log in a folder itself, without a folder of a version."""
    return [
        "--trainer.logger=lightning.pytorch.loggers.CSVLogger",
        f"--trainer.logger.save_dir={folder}",
        "--trainer.logger.name=",
        "--trainer.logger.version=",
    ]


# Merging as published: the boxes of a network that has hardly learnt anything are compared to a few thousandths of a
# pixel across batch sizes, and which of its near ties magnify rounding is chance.
TINY = [*options("model", {**TINY_MODEL, "merging": "ranking"}), *options("data", TINY_DATA), *QUIET]


def checkpoint_in(folder):
    """The checkpoint of the training in a folder."""
    return next(folder.glob("runs/checkpoints/*.ckpt"))
