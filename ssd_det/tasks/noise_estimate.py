"""How noisy the boxes are, estimated while a refiner is trained on them."""

import math
from collections.abc import Callable
from typing import Any, TypedDict

import torch
from torch import Tensor

from ssd_det.batches.batch import Objects
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import decode
from ssd_det.ops.noise_level import far_from_borders, move_statistics, no_statistics, noise_level

GROUPS = (2, 2)  # objects of unseen images and all; of each those far from borders, and all


def noise_statistics(output: RefinerOutput, objects: Objects, counted: Tensor | None = None) -> Tensor:
    """What tells the noise level in one pass; nothing without SPSD.

    Args:
        output: of the refiner.
        objects: that it refined.
        counted: ``BoolTensor[..., G, 2]``, the objects to learn it from, see :mod:`ssd_det.ops.noise_level`.

    Returns:
        ``Tensor[..., 5, 2]``.
    """
    if not output.moves:
        groups = () if counted is None else counted.shape[:-2]
        return no_statistics(*groups).to(objects.boxes.device)
    move = output.moves[0]
    moved = decode(move.proposals, move.deltas.detach())
    return move_statistics(move.proposals, moved, objects.boxes, counted)


def grouped_statistics(output: RefinerOutput, objects: Objects, unseen: Tensor) -> Tensor:
    """What tells the noise level, of objects of unseen images and of all; of each those far from borders, and all.

    Where an image was trained on, boxes follow some of their noise, which makes it look smaller, as borders do.

    Args:
        output: of the refiner.
        objects: that it refined.
        unseen: ``BoolTensor[G]``, those of images that its training has not seen.

    Returns:
        ``Tensor[2, 2, 5, 2]``, for :func:`ssd_det.ops.noise_level.best_noise_level`.
    """
    far = far_from_borders(output.refined, objects.image_sizes[objects.image_index])
    of_all = torch.stack([far, torch.ones_like(far)])
    return noise_statistics(output, objects, torch.stack([of_all & unseen[:, None], of_all]))


class NoiseState(TypedDict):
    """What a checkpoint keeps of an estimate; see :class:`NoiseEstimate`."""

    level: float | None
    statistics: Tensor


def is_noise_state(state: Any) -> bool:
    """Whether a value is what a checkpoint keeps of an estimate, or ``None``, for a training without one."""
    if state is None:
        return True
    if not isinstance(state, dict) or state.keys() != NoiseState.__annotations__.keys():
        return False
    level, statistics, none = state["level"], state["statistics"], no_statistics()
    is_level = level is None or (type(level) is float and 0 <= level < math.inf)
    return (
        is_level
        and isinstance(statistics, Tensor)
        and statistics.shape == none.shape
        and statistics.dtype == none.dtype
    )


class NoiseEstimate:
    """An estimate that grows by steps of a training and survives in its checkpoints.

    Attributes:
        level: n of the published protocol, ``None`` as long as it is not known.
        statistics: ``Tensor[5, 2]``, the sums that this process has seen.
    """

    def __init__(self) -> None:
        self.level: float | None = None
        self.statistics = no_statistics()

    def add(self, output: RefinerOutput, objects: Objects) -> None:
        """Take one more pass into account."""
        self.statistics += noise_statistics(output, objects).cpu()

    def conclude(self, over_processes: Callable[[Tensor], Tensor]) -> None:
        """Work out the level, where enough was seen.

        Args:
            over_processes: adds up a float32 tensor over all processes.
        """
        self.level = noise_level(over_processes(self.statistics.float()).cpu())

    def state(self) -> NoiseState:
        """What a checkpoint keeps."""
        return NoiseState(level=self.level, statistics=self.statistics)

    def restore(self, state: NoiseState) -> None:
        """Take over what a checkpoint kept."""
        self.level, self.statistics = state["level"], state["statistics"]
