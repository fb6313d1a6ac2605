"""Writing checkpoints so that one that was there is lost only when the next is whole."""

import os
from pathlib import Path
from typing import Any

from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO


class WholeCheckpointIO(TorchCheckpointIO):
    """Write beside the checkpoint's place, flush to disk, and rename.

    Lightning writes to the system's temporary folder, from where a file may be moved by copying, over the only
    checkpoint of a training.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Save a checkpoint to a local path."""
        place = Path(path)
        beside = place.with_name(f".{place.name}.new")
        super().save_checkpoint(checkpoint, beside, storage_options)
        with beside.open("rb") as file:
            os.fsync(file.fileno())
        beside.replace(place)
