"""Reading the checkpoints that fit writes."""

from pathlib import Path
from typing import Any

from ssd_det.data.coco import Category
from ssd_det.errors import InputError
from ssd_det.models.loading import load_tensors

KIND, MEND = "a checkpoint of a refiner", "give one that fit wrote"


def load_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of a refiner.

    Raises:
        InputError: if it is missing or something else.
    """
    checkpoint = load_tensors(path, KIND, MEND)
    missing = {"hyper_parameters", "categories", "state_dict"} - checkpoint.keys()
    if missing:
        raise InputError(f"{path}: is not {KIND} (it has no {', '.join(sorted(missing))}): {MEND}.")
    return checkpoint


def categories_of(checkpoint: dict[str, Any]) -> list[Category]:
    """The class list that a checkpoint was trained on."""
    return [Category(**entry) for entry in checkpoint["categories"]]
