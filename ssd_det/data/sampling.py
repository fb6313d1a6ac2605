"""Which samples make which batch, on which process."""

from collections.abc import Iterator, Sequence
from typing import Any

from torch.utils.data import Dataset, DistributedSampler

from ssd_det.data.batch import RefineBatch, collate, padded_size
from ssd_det.data.dataset import RefineDataset


class EpochSampler(DistributedSampler[Any]):
    """Shuffle by seed and epoch, and hand the epoch on with every index.

    The data set may live in workers that never hear of a new epoch, so the epoch travels with the index.
    """

    def __iter__(self) -> Iterator[Any]:
        return ((self.epoch, index) for index in super().__iter__())


class EqualSizeBatches(Dataset[RefineBatch]):
    """A data set cut into batches of images that have the same size after padding.

    What stands beside an image in its batch then has no influence on it. Without shuffling: for refining.

    Args:
        dataset: the samples.
        batch_size: images in a batch, at most.
    """

    def __init__(self, dataset: RefineDataset, batch_size: int) -> None:
        self.dataset = dataset
        groups: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(dataset.images):
            size = padded_size(*dataset.augmentation.resized(image.height, image.width))
            groups.setdefault(size, []).append(index)
        self.batches: Sequence[list[int]] = [
            group[start : start + batch_size] for group in groups.values() for start in range(0, len(group), batch_size)
        ]

    def __len__(self) -> int:
        return len(self.batches)

    def __getitem__(self, index: int) -> RefineBatch:
        return collate([self.dataset[0, member] for member in self.batches[index]])
