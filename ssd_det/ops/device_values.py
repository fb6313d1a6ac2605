"""Small values from the CPU on another device, for which the CPU does not wait."""

from collections.abc import Sequence

import torch
from torch import Tensor


def copied_to(device: torch.device, values: Tensor) -> Tensor:
    """Values of the CPU on a device.

    A plain copy to CUDA waits for all that the GPU has still to do; one from pinned memory lines up behind it.

    Args:
        device: where to.
        values: on the CPU.
    """
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def constants(values: Sequence[object], like: Tensor) -> Tensor:
    """Numbers, or rows of numbers, as a tensor of the type and on the device of another."""
    return copied_to(like.device, torch.tensor(values, dtype=like.dtype, device="cpu"))
