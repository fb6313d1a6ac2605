"""Whether a training can go on from what a checkpoint keeps of another, tried out before it does."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, cast

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn
from torch import Tensor
from torch.optim import Optimizer

from ssd_det.tasks.checkpoint_content import is_finite, is_plain_tensor

COUNTS = ("epoch", "global_step")


def unusable_state(task: LightningModule, checkpoint: Mapping[str, Any]) -> str | None:
    """The part of a checkpoint that its trainer cannot take over, ``None`` if it can take all of it.

    Args:
        task: with its network, and the trainer that is about to restore it.
        checkpoint: what it is to be restored from.
    """
    trainer, command = task.trainer, cast("TrainerFn", task.trainer.state.fn)
    if any(type(checkpoint.get(name)) is not int for name in COUNTS):
        return " or ".join(COUNTS)
    try:
        part = _loop_fault(trainer, f"{command.value}_loop", checkpoint.get("loops"))
        part = part or _callback_fault(trainer, checkpoint.get("callbacks", {}))
        if part is None and command == TrainerFn.FITTING:
            part = _optimisation_fault(task, checkpoint)
    except Exception as error:  # whatever Lightning and torch trip over in what they have not written
        return f"what a training goes on from, {type(error).__name__}"
    return part


def difference(value: Any, example: Any, name: str) -> str | None:
    """The dotted name of the first part of a value that is of another kind than that of an example.

    What only one of both has is passed over, unless it is one of several counts, and so is what the example has no
    value for: other versions of Lightning and torch keep more or less.
    """
    if isinstance(example, dict):
        are_counts = all(type(item) is int for item in example.values())
        if not isinstance(value, dict) or (are_counts and not example.keys() <= value.keys()):
            return name
        shared = (key for key in example if key in value)
        parts = (difference(value[key], example[key], f"{name}.{key}") for key in shared)
    elif isinstance(example, list | tuple):
        if not isinstance(value, list | tuple):
            return name
        parts = (difference(*pair, f"{name}.{index}") for index, pair in enumerate(zip(value, example, strict=False)))
    else:
        return None if _is_like(value, example) else name
    return next((part for part in parts if part is not None), None)


def _is_like(value: Any, example: Any) -> bool:
    if value is None or example is None:
        return True
    if isinstance(example, float | Tensor) and not isinstance(example, bool):
        return type(value) in {int, float} or is_plain_tensor(value)
    return type(value) is type(example)


def _loop_fault(trainer: Trainer, name: str, states: Any) -> str | None:
    if states is None:  # of an exported detector
        return None
    loop = getattr(trainer, name)
    part = difference(states, {name: loop.state_dict()}, "loops")
    if part is None:
        loop.load_state_dict(states[name])  # as Lightning will do once more
    return part


def _callback_fault(trainer: Trainer, states: Any) -> str | None:
    if not isinstance(states, dict):
        return "callbacks"
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if callback.state_key in states:
            state = states[callback.state_key]
            part = difference(state, callback.state_dict(), f"callbacks.{type(callback).__name__}")
            if part is not None:
                return part
            with warnings.catch_warnings(action="ignore"):
                copy.copy(callback).load_state_dict(copy.copy(state))
    return None


def _optimisation_fault(task: LightningModule, checkpoint: Mapping[str, Any]) -> str | None:
    """Try optimisers and schedules out on new ones, which are thrown away."""
    optimizers, schedules = cast("tuple[list[Optimizer], list[dict[str, Any]]]", task.configure_optimizers())
    states = checkpoint["optimizer_states"], checkpoint["lr_schedulers"]
    examples = [new.state_dict() for new in optimizers], [entry["scheduler"].state_dict() for entry in schedules]
    for name, found, expected in zip(("optimizer_states", "lr_schedulers"), states, examples, strict=True):
        part = name if len(found) != len(expected) else difference(found, expected, name)
        if part is not None:
            return part
    for optimizer, state in zip(optimizers, states[0], strict=True):
        if not _are_of(optimizer, state["state"]):
            return "optimizer_states"
        optimizer.load_state_dict(state)
    for entry, state in zip(schedules, states[1], strict=True):
        entry["scheduler"].load_state_dict(state)
    return None


def _are_of(optimizer: Optimizer, states: Mapping[int, Mapping[str, Any]]) -> bool:
    """Whether what an optimiser keeps of each parameter is finite and of its shape, or a single number."""
    parameters: Sequence[Tensor] = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for index, state in states.items():
        for value in state.values():
            if isinstance(value, Tensor):
                if not is_plain_tensor(value) or not is_finite(value):
                    return False
                if value.dim() and value.shape != parameters[index].shape:
                    return False
    return set(states) <= set(range(len(parameters)))
