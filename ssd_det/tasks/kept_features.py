"""Feature pyramids of images that several passes look at, so that their backbone need not look again."""

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from ssd_det.free_memory import GIB, free_memory

SHARE_OF_FREE = 0.25

Pyramids = list[Tensor]  # the levels of a batch, ``Tensor[B, C, H_l, W_l]``


class KeptFeatures:
    """What backbones made of some images, to the bit.

    Args:
        image_ids: of the images that later passes look at.
        processes: that share the main memory, each with features of its own.
        most_bytes: that are kept, by default a quarter of what is free when the first are: of the memory of the GPU, or
            of the main memory, shared by the processes. Features for which there is no room are computed again.
    """

    def __init__(self, image_ids: Iterable[int], processes: int = 1, most_bytes: int | None = None) -> None:
        self._wanted = frozenset(image_ids)
        self._processes = processes
        self._room = most_bytes
        self._kept: dict[tuple[int, int], Pyramids] = {}

    def of(self, image_ids: Sequence[int], seen_as: int, compute: Callable[[], Pyramids]) -> Pyramids:
        """The features of a batch: those kept, or those computed now, which are kept as far as there is room.

        Args:
            image_ids: B of them.
            seen_as: tells by which refiner and in which view.
            compute: makes the features of the whole batch.
        """
        keys = [(image_id, seen_as) for image_id in image_ids]
        if all(key in self._kept for key in keys):
            levels = zip(*(self._kept[key] for key in keys), strict=True)
            return [torch.cat(level) for level in levels]
        features = compute()
        needed = sum(level[:1].nbytes for level in features)
        if self._room is None:
            self._room = _room_beside(features[0], self._processes)
        for row, key in enumerate(keys):
            if key[0] in self._wanted and key not in self._kept and needed <= self._room:
                # A slice alone would keep the whole batch.
                self._kept[key] = [level[row : row + 1].clone() for level in features]
                self._room -= needed
        return features

    def drop(self) -> None:
        """Forget all that was kept."""
        self._kept.clear()


def _room_beside(features: Tensor, processes: int) -> int:
    """How many bytes may be kept on the device where features are."""
    if features.is_cuda:
        free, _ = torch.cuda.mem_get_info(features.device)
        return int(free * SHARE_OF_FREE)
    return int(free_memory() * GIB * SHARE_OF_FREE / processes)
