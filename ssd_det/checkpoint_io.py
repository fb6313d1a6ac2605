"""Writing checkpoints so that one that was there is lost only when the next is whole."""

import os
from pathlib import Path
from typing import Any

from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO


class WholeCheckpointIO(TorchCheckpointIO):
    """Write a temporary file beside the checkpoint, flush it to disk, and rename it.

    Lightning writes to the system's temporary folder, from where a file may be moved by copying, over the only
    checkpoint of a training.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Save a checkpoint to a local path."""
        final = Path(path)
        temporary = final.with_name(f".{final.name}.new")
        super().save_checkpoint(checkpoint, temporary, storage_options)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
