"""Reading the checkpoints that fit writes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ssd_det.annotations.coco import Category
from ssd_det.errors import InputError
from ssd_det.late_files import await_file
from ssd_det.models.loading import load_tensors
from ssd_det.tasks.checkpoint_content import content_fault, not_finite

ADVICE = "give one that fit wrote"
Checkpoint = dict[str, Any]  # as Lightning has them: what they hold depends on the task


def load_checkpoint(path: str | Path, task: str | None = None, accepted: Collection[str] = ()) -> Checkpoint:
    """Read a checkpoint, and check what every command relies on.

    Args:
        path: the file.
        task: what it has to be a checkpoint of, ``refiner``, ``detector`` or ``joint model``; any where not given.
        accepted: other tasks whose checkpoint serves as well.

    Returns:
        What Lightning keeps, and ``task``, its ``settings`` and ``categories``.

    Raises:
        InputError: if it is missing, damaged or something else, or its weights are not finite.
    """
    kind = f"a checkpoint of a {task or 'refiner, a detector or a joint model'}"
    await_file(path)
    checkpoint = load_tensors(path, kind, ADVICE)
    if (fault := content_fault(checkpoint)) is not None:
        raise InputError(f"{path}: is not {kind} ({fault}): {ADVICE}.")
    if task is not None and checkpoint["task"] not in {task, *accepted}:
        raise InputError(f"{path}: is not {kind} but of a {checkpoint['task']}: {ADVICE} for a {task}.")
    if (name := not_finite(checkpoint["state_dict"])) is not None:
        raise InputError(
            f"{path}: holds weights that are no finite numbers ({name}): give an earlier checkpoint, or train again "
            f"with a lower model.learning_rate or trainer.gradient_clip_val."
        )
    return checkpoint


def categories_of(checkpoint: Checkpoint) -> list[Category]:
    """The class list that a checkpoint was trained on."""
    return [Category(**entry) for entry in checkpoint["categories"]]


def plain(value: Any) -> Any:
    """A setting as it is after a checkpoint: tuples are lists."""
    return list(value) if isinstance(value, list | tuple) else value
