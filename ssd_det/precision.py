"""The precision in which a device is fast."""

from typing import Literal

import torch

PrecisionName = Literal["32-true", "bf16-mixed"]

GPU_CAPABILITY = (8, 0)  # of CUDA devices that multiply bfloat16 in hardware
ON_GPU = ("auto", "gpu", "cuda")


def gpu_is_fast_in_bfloat16(index: int) -> bool:
    """Whether a CUDA device multiplies bfloat16 in hardware."""
    return torch.cuda.get_device_capability(index) >= GPU_CAPABILITY


def processor_is_fast_in_bfloat16() -> bool:
    """Whether the processor multiplies tiles of bfloat16 (AMX), and one thread alone does the work here.

    Where there are vectors alone, steps are no faster. Several threads wait for each other without sleeping, which
    takes many times as long as single precision where other work wants the cores.
    """
    return bool(torch.cpu.get_capabilities().get("amx_bf16")) and torch.get_num_threads() == 1


def fast_precision(accelerator: object) -> PrecisionName:
    """The precision in which a training takes least time.

    Args:
        accelerator: what Lightning's Trainer was given.

    Returns:
        ``bf16-mixed`` where GPUs multiply bfloat16 in hardware, or without one a processor does with one thread;
        weights and boxes stay float32 then. Otherwise ``32-true``.
    """
    gpus = torch.cuda.device_count() if accelerator in ON_GPU else 0
    if gpus:
        fast = all(gpu_is_fast_in_bfloat16(index) for index in range(gpus))
    else:
        fast = accelerator in ("auto", "cpu") and processor_is_fast_in_bfloat16()
    return "bf16-mixed" if fast else "32-true"
