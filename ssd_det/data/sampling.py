"""Which samples make which batch, on which process."""

from collections.abc import Iterator
from typing import Any

from torch.utils.data import Dataset, DistributedSampler

from ssd_det.data.batch import FailedBatch, RefineBatch, collate, padded_size
from ssd_det.data.dataset import RefineDataset
from ssd_det.errors import InputError


class EpochSampler(DistributedSampler[Any]):
    """Shuffle by seed and epoch, and hand the epoch on with every index.

    The data set may live in workers that never hear of a new epoch, so the epoch travels with the index.
    """

    def __iter__(self) -> Iterator[Any]:
        return ((self.epoch, index) for index in super().__iter__())


class EqualSizeBatches(Dataset[RefineBatch | FailedBatch]):
    """A data set cut into batches of images that have the same size after padding.

    What stands beside an image in its batch then has no influence on it. Without shuffling: for refining.
    A batch with bad input becomes a :class:`FailedBatch`, because an error in one of several processes would
    leave the others waiting.

    Args:
        dataset: the samples.
        batch_size: images in a batch, at most.
        processes: how many share the batches; batches are made smaller until each process gets one.

    Raises:
        InputError: if there are fewer images than processes.
    """

    def __init__(self, dataset: RefineDataset, batch_size: int, processes: int = 1) -> None:
        if len(dataset) < processes:
            raise InputError(
                f"{len(dataset)} images with boxes to refine cannot be shared by {processes} processes: "
                f"lower trainer.devices."
            )
        self.dataset = dataset
        self.batches = _equal_size_groups(dataset, batch_size)
        while len(self.batches) < processes:
            batch_size = -(-batch_size // 2)
            self.batches = _equal_size_groups(dataset, batch_size)

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> RefineBatch | FailedBatch:
        try:
            return collate([self.dataset[0, member] for member in self.batches[index]])
        except InputError as error:
            return FailedBatch(error.sentence)


def _equal_size_groups(dataset: RefineDataset, most: int) -> list[list[int]]:
    """Indices of images with the same padded size, at most so many together."""
    groups: dict[tuple[int, int], list[int]] = {}
    for index, image in enumerate(dataset.images):
        size = padded_size(*dataset.augmentation.resized(image.height, image.width))
        groups.setdefault(size, []).append(index)
    return [group[start : start + most] for group in groups.values() for start in range(0, len(group), most)]
