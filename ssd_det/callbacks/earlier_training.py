"""What an earlier training left in the folder of a new one is kept."""

from itertools import count
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from ssd_det.console import say


class EarlierTraining(Callback):
    """Renames the last checkpoint of an earlier training, which one that begins anew would write over."""

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Rename it, unless the training goes on from a checkpoint."""
        if trainer.ckpt_path is not None or trainer.fast_dev_run or not trainer.is_global_zero:  # type: ignore[attr-defined]
            return
        for callback in trainer.checkpoint_callbacks:
            if isinstance(callback, ModelCheckpoint) and callback.dirpath and callback.filename:
                _keep(Path(callback.dirpath) / f"{callback.filename}{callback.FILE_EXTENSION}")


def _keep(checkpoint: Path) -> None:
    if not checkpoint.is_file():
        return
    names = (checkpoint.with_name(f"earlier_{number}{checkpoint.suffix}") for number in count(1))
    kept = next(path for path in names if not path.exists())
    checkpoint.rename(kept)
    say(f"{checkpoint} of an earlier training is kept as {kept}: remove it once you do not need it.")
