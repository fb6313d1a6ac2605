"""Collecting what several processes found: the only place that talks to torch.distributed."""

from typing import TypeVar

from torch import distributed

T = TypeVar("T")


def gather_by_id(found: dict[int, T], repeated: bool = False) -> dict[int, T]:
    """Merge what every process found, by id, on every process.

    Args:
        found: the values of this process.
        repeated: allow an id on several processes, as samplers repeat some to give each process as many.

    Returns:
        The values of all processes, sorted by id.

    Raises:
        RuntimeError: if two processes found the same id, without leave.
    """
    parts: list[dict[int, T]] = [found]
    if distributed.is_available() and distributed.is_initialized():
        parts = [{} for _ in range(distributed.get_world_size())]
        distributed.all_gather_object(parts, found)
    merged = {key: value for part in parts for key, value in part.items()}
    if not repeated and len(merged) != sum(len(part) for part in parts):
        raise RuntimeError("Two processes worked on the same id: each must get its own share of the data.")
    return dict(sorted(merged.items()))
