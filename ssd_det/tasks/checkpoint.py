"""Reading the checkpoints that fit writes."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from ssd_det.annotations.coco import Category
from ssd_det.errors import InputError
from ssd_det.late_files import await_file
from ssd_det.models.loading import load_tensors

ADVICE = "give one that fit wrote"
Checkpoint = dict[str, Any]  # as Lightning has them: what they hold depends on the task
KEYS = ("task", "settings", "categories", "state_dict")


def load_checkpoint(path: str | Path, task: str | None = None, accepted: Collection[str] = ()) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: the file.
        task: what it has to be a checkpoint of, ``refiner``, ``detector`` or ``joint model``; any where not given.
        accepted: other tasks whose checkpoint serves as well.

    Returns:
        What Lightning keeps, and ``task``, its ``settings`` and ``categories``.

    Raises:
        InputError: if it is missing or something else.
    """
    kind = f"a checkpoint of a {task or 'refiner, a detector or a joint model'}"
    await_file(path)
    checkpoint = load_tensors(path, kind, ADVICE)
    missing = [key for key in KEYS if key not in checkpoint]
    if missing:
        raise InputError(f"{path}: is not {kind} (it has no {', '.join(missing)}): {ADVICE}.")
    if task is not None and checkpoint["task"] not in {task, *accepted}:
        raise InputError(f"{path}: is not {kind} but of a {checkpoint['task']}: {ADVICE} for a {task}.")
    return checkpoint


def categories_of(checkpoint: Checkpoint) -> list[Category]:
    """The class list that a checkpoint was trained on."""
    return [Category(**entry) for entry in checkpoint["categories"]]
