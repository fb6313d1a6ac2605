"""What trains the weights of every task: the optimiser, and how its rate changes."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from torch.optim.lr_scheduler import LinearLR, MultiStepLR

OptimizerName = Literal["sgd", "adamw"]

WARMUP_FACTOR = 0.001
OPTIMISATION = frozenset({"optimizer", "learning_rate", "momentum", "weight_decay", "warmup_steps", "milestones"})


def optimizers_and_schedules(
    weights: Iterable[nn.Parameter], settings: Mapping[str, Any]
) -> tuple[list[Optimizer], list[dict[str, Any]]]:
    """SGD or AdamW with linear warm-up by step and decay by epoch (section 4.1).

    Args:
        weights: of the network; those that are frozen are left out.
        settings: those named in :data:`OPTIMISATION`.

    Returns:
        The optimiser and its schedules, as Lightning takes them.
    """
    parameters = [parameter for parameter in weights if parameter.requires_grad]
    rate, decay = settings["learning_rate"], settings["weight_decay"]
    # One pass over the weights is four times as fast on the CPU. On GPUs Lightning cannot clip what a fused
    # optimiser scales by itself.
    on_cpu = all(parameter.device.type == "cpu" for parameter in parameters)
    optimizer: Optimizer = AdamW(parameters, lr=rate, weight_decay=decay, fused=on_cpu or None)
    if settings["optimizer"] == "sgd":
        optimizer = SGD(parameters, lr=rate, momentum=settings["momentum"], weight_decay=decay)
    schedules: list[dict[str, Any]] = [
        {"scheduler": MultiStepLR(optimizer, list(settings["milestones"])), "interval": "epoch"}
    ]
    if settings["warmup_steps"]:
        warmup = LinearLR(optimizer, WARMUP_FACTOR, total_iters=settings["warmup_steps"])
        schedules.append({"scheduler": warmup, "interval": "step"})
    return [optimizer], schedules
