"""Collecting what several processes found: the only place that talks to torch.distributed."""

from typing import TypeVar

from torch import distributed

T = TypeVar("T")


def gather(part: T) -> list[T]:
    """What every process has, in the order of their ranks, on every process."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [part]
    parts: list[T] = [part] * distributed.get_world_size()
    distributed.all_gather_object(parts, part)
    return parts


def gather_by_id(found: dict[int, T]) -> dict[int, T]:
    """Merge what every process found, by id, on every process.

    Args:
        found: the values of this process. An id may be on several: samplers repeat some to give each process as many.

    Returns:
        The values of all processes, sorted by id.
    """
    return dict(sorted((key, value) for part in gather(found) for key, value in part.items()))
