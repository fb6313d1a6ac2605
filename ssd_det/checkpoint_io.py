"""Writing checkpoints so that one that was there is lost only when the next is whole, and reading none unchecked."""

import os
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from ssd_det.errors import InputError
from ssd_det.tasks.checkpoint import ADVICE, load_checkpoint
from ssd_det.tasks.checkpoint_content import VERSION
from ssd_det.write_errors import OTHER_OUTPUT, cannot_be_written, size_of


class WholeCheckpointIO(TorchCheckpointIO):
    """What Lightning saves and loads checkpoints with, on whichever process.

    Lightning itself writes to the system's temporary folder, which may be full or small, and from where a file may be
    moved by copying, over the only checkpoint of a training.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any | None = None) -> None:
        """Save a checkpoint to a local path.

        Raises:
            InputError: if the disk refuses.
        """
        advice = "and start the training again"
        if Path(path).exists():
            advice = f"and go on with --ckpt_path={path}, or with the same command of the pipeline"
        save_whole(checkpoint, Path(path), advice)

    def load_checkpoint(
        self, path: str | Path, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Load a checkpoint that ``fit`` wrote, onto the CPU and without code; checked as everywhere.

        Raises:
            InputError: if it is damaged or something else.
        """
        checkpoint = load_checkpoint(path)
        if VERSION not in checkpoint:
            raise InputError(f"{path}: does not say which Lightning wrote it ({VERSION}): {ADVICE}.")
        return checkpoint


def save_whole(checkpoint: dict[str, Any], path: Path, advice: str = OTHER_OUTPUT) -> None:
    """Write a temporary file beside the checkpoint, flush it to disk, and rename it.

    Args:
        checkpoint: what to save.
        path: of the checkpoint; its folder is made if need be.
        advice: see :func:`ssd_det.write_errors.cannot_be_written`.

    Raises:
        InputError: if the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(checkpoint, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, RuntimeError) as error:
        temporary.unlink(missing_ok=True)  # first, as it takes room
        refusal = _refusal(error)
        if refusal is None:
            raise
        needed = size_of(lambda file: torch.save(checkpoint, file))
        raise cannot_be_written(path, refusal, needed, advice) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _refusal(error: BaseException | None) -> OSError | None:
    """The error of the system behind one of torch, which hides it."""
    while error is not None and not isinstance(error, OSError):
        error = error.__context__
    return error
