"""Which samples make which batch, on which process."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from torch.utils.data import Dataset, DistributedSampler

from ssd_det.annotations.coco import Image
from ssd_det.batches.batch import FailedBatch, Sample
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_loader import collate_shared
from ssd_det.errors import InputError


class EpochSampler(DistributedSampler[Any]):
    """Shuffle by seed and epoch, and hand the epoch on with every index.

    The data set may live in workers that never hear of a new epoch, so the epoch travels with the index.
    """

    _begun: tuple[int, int] | None = None  # an epoch, and how many samples of it are left out

    def begin_behind(self, samples: int) -> None:
        """Leave out the first samples of this epoch, which a training that was stopped has seen.

        Args:
            samples: how many of this process.
        """
        self._begun = self.epoch, samples

    def __iter__(self) -> Iterator[Any]:
        epoch = self.epoch  # of the order that begins here, whatever is set while it is being used up
        first = self._begun[1] if self._begun is not None and self._begun[0] == epoch else 0
        return ((epoch, index) for index in islice(super().__iter__(), first, None))


class EqualSizeBatches(Dataset[Any]):
    """A data set cut into batches of images that have the same size as the network sees them.

    What stands beside an image in its batch then has no influence on it. Without shuffling: for refining and
    testing. A batch with bad input becomes a :class:`FailedBatch`, because an error in one of several processes
    would leave the others waiting.

    Args:
        dataset: the samples.
        batch_size: images in a batch, at most.
        processes: how many share the batches; batches are made smaller until each process gets one.
        collate: puts samples into a batch.
        size_of: the size of an image that decides what it shares a batch with.

    Raises:
        InputError: if there are fewer images than processes.
    """

    def __init__(
        self,
        dataset: CocoDataset,
        batch_size: int,
        processes: int,
        collate: Callable[[list[Sample]], Any],
        size_of: Callable[[Image], tuple[int, int]],
    ) -> None:
        if len(dataset) < processes:
            raise InputError(f"{len(dataset)} images cannot be shared by {processes} processes: lower trainer.devices.")
        self.dataset = dataset
        self.collate = collate
        groups: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(dataset.images):
            groups.setdefault(size_of(image), []).append(index)
        self.batches = _cut(groups.values(), batch_size)
        while len(self.batches) < processes:
            batch_size = -(-batch_size // 2)
            self.batches = _cut(groups.values(), batch_size)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> Any:
        try:
            return collate_shared(self.collate, [self.dataset[0, member] for member in self.batches[index]])
        except InputError as error:
            return FailedBatch(error.sentence)


def _cut(groups: Iterable[list[int]], most: int) -> list[list[int]]:
    """Cut groups of indices into batches of at most so many."""
    return [group[start : start + most] for group in groups for start in range(0, len(group), most)]
