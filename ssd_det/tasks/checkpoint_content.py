"""What a checkpoint of any task must hold, whoever wrote the file."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from packaging.version import InvalidVersion, Version
from torch import Tensor

TASKS = ("refiner", "detector", "joint model")
KEYS = ("task", "settings", "categories", "state_dict")
VERSION = "pytorch-lightning_version"
OF_CATEGORY = {"id": int, "name": str}
FOREIGN = "hyper_parameters"  # Lightning's command line would let them override what a user wrote


def content_fault(checkpoint: Mapping[Any, Any]) -> str | None:
    """What is wrong with the parts of a checkpoint that all tasks share, in words; ``None`` if nothing is."""
    missing = [key for key in KEYS if key not in checkpoint]
    return f"it has no {', '.join(missing)}" if missing else next(_faults(checkpoint), None)


def _faults(checkpoint: Mapping[Any, Any]) -> Iterator[str]:
    if FOREIGN in checkpoint:
        yield f"it has {FOREIGN}"
    if checkpoint["task"] not in TASKS:
        yield "its task is unknown"
    if VERSION in checkpoint and not _is_version(checkpoint[VERSION]):
        yield f"its {VERSION} is no version"
    if not _is_named(checkpoint["settings"]):
        yield "its settings are not settings by name"
    if not _are_categories(checkpoint["categories"]):
        yield "its categories are not a list of an id and a name each"
    weights = checkpoint["state_dict"]
    if not (_is_named(weights) and weights and all(map(is_plain_tensor, weights.values()))):
        yield "its state_dict does not hold tensors by name"


def not_finite(weights: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor with a value that is not finite, ``None`` if there is none."""
    return next((name for name, value in weights.items() if not is_finite(value)), None)


def is_finite(value: Tensor) -> bool:
    """Whether all values of a tensor are finite; without a copy of it, as it may be large."""
    if not value.is_floating_point() or value.numel() == 0:
        return True
    lowest, highest = torch.aminmax(value.detach())  # NaN, if there is one
    return bool(lowest.isfinite() and highest.isfinite())


def is_plain_tensor(value: Any) -> bool:
    """Whether a value is a dense tensor in memory that has room for all its elements."""
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
        and value.nbytes <= value.untyped_storage().nbytes()
    )


def _is_version(value: Any) -> bool:
    try:
        return bool(Version(value))
    except (InvalidVersion, TypeError):
        return False


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(name, str) for name in value)


def _are_categories(value: Any) -> bool:
    if not isinstance(value, list) or not value:
        return False
    for entry in value:
        if not isinstance(entry, dict) or entry.keys() != OF_CATEGORY.keys():
            return False
        if any(type(entry[name]) is not kind for name, kind in OF_CATEGORY.items()):
            return False
    return len({entry["id"] for entry in value}) == len(value)
