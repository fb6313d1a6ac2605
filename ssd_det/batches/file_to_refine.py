"""An annotation file whose boxes are to be refined, and the batches of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from torch.utils.data import DataLoader

from ssd_det.annotations.coco import CocoFile, Image, with_boxes
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import FailedBatch, RefineBatch, collate, padded_size
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_loader import ImageLoader
from ssd_det.batches.samplers import EqualSizeBatches
from ssd_det.ops.box_types import Xywh


@dataclass(frozen=True)
class FileToRefine:
    """An annotation file, and the images of it that are refined.

    Attributes:
        coco: the file.
        paths: files of all its images that are there, by image id.
        skipped: images that are there and not refined, and why, by image id.
        augmentation: resizes each image.
        batch_size: images a step and process.
        num_workers: processes that read images.
        as_read: the file as it is on the disk, where that may be without the trusted boxes; a copy of its folder has to
            change all that differs from it.
    """

    coco: CocoFile
    paths: Mapping[int, Path]
    skipped: Mapping[int, str]
    augmentation: Augmentation
    batch_size: int
    num_workers: int
    as_read: CocoFile | None = None

    @cached_property
    def passed_over(self) -> dict[int, str]:
        """The images whose boxes are not refined, and why, by image id."""
        missing = {image.id: "image missing" for image in self.coco.images if image.id not in self.paths}
        return missing | dict(self.skipped)

    def loader(self, processes: int, boxes: Mapping[int, Xywh] | None = None) -> DataLoader[RefineBatch | FailedBatch]:
        """Every image with objects once, without augmentation, in batches of one padded size.

        Args:
            processes: how many share the batches.
            boxes: by annotation id, refined instead of those of the file; other images are left out then.

        Raises:
            InputError: if no annotation can be used, or there are fewer images than processes.
        """
        self.coco.count_usable()
        coco = self.coco if boxes is None else with_boxes(self.coco, boxes)
        paths = {image_id: path for image_id, path in self.paths.items() if image_id not in self.passed_over}
        dataset = CocoDataset(coco, paths, self.augmentation)
        batches = EqualSizeBatches(dataset, self.batch_size, processes, collate, self._padded_size)
        return ImageLoader(batches, batch_size=None, num_workers=self.num_workers)

    def _padded_size(self, image: Image) -> tuple[int, int]:
        return padded_size(*self.augmentation.resized(image.height, image.width))
