"""A trainer that writes and shows nothing."""

from lightning.pytorch import Trainer


def make_trainer(**settings):
    return Trainer(
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **settings,
    )
