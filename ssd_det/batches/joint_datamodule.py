"""Batches for training refiner and detector together, and for testing the detector."""

import sys
from functools import partial
from typing import Any

from torch.utils.data import DataLoader

from ssd_det.annotations.formats.with_images import read_with_images
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import collate_some
from ssd_det.batches.coco_datamodule import check_sizes
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.batches.file_to_refine import FileToRefine
from ssd_det.errors import InputError


class JointDataModule(DetectDataModule):
    """Noisy annotations to train refiner and detector on, and others to test the detector on.

    The detector learns all objects of an image, as what is left out would be background to it.

    Args:
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        max_objects: objects an image that the refiner learns from in a training step, a random subset each time; the
            others are refined for the detector without being learnt from. Bounds memory; 0 for all.
        settings: see :class:`ssd_det.batches.detect_datamodule.DetectDataModule`; its annotations are the noisy ones.
    """

    def __init__(
        self, shortest_side: int = 800, longest_side: int = 1333, max_objects: int = 0, **settings: Any
    ) -> None:
        super().__init__(**settings)
        check_sizes(shortest_side=shortest_side, longest_side=longest_side)
        if max_objects < 0:
            raise InputError(f"data.max_objects is {max_objects}: give a number from 1 up, or 0 for all objects.")
        self.max_objects = max_objects
        self.shortest_side = shortest_side
        self.longest_side = longest_side

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled :class:`ssd_det.batches.batch.RefineBatch` with augmentation, of images with boxes, resized."""
        augmentation = Augmentation(self.shortest_side, self.longest_side, self.horizontal_flip, self.color_jitter)
        dataset = CocoDataset(*self._training_data(), augmentation, self.seed)
        return self._train_loader(dataset, partial(collate_some, max_objects=self.max_objects or sys.maxsize))

    @property
    def noisy_annotations(self) -> str:
        """The path of the annotations to refine.

        Raises:
            InputError: if they are not given.
        """
        return self._given("annotations", self.annotations, self.image_root)[0]

    def to_refine(self, skip_missing_images: bool = False) -> FileToRefine:
        """The noisy annotations and their images, all of them.

        Args:
            skip_missing_images: leave images out that are not there.

        Raises:
            InputError: if they are not given or cannot be used.
        """
        annotations, image_root = self._given("annotations", self.annotations, self.image_root)
        skip = skip_missing_images or self.skip_missing_images
        coco, paths = read_with_images(annotations, image_root, skip, self.allow_outside, self.yolo_rows)
        augmentation = Augmentation(self.shortest_side, self.longest_side)
        return FileToRefine(coco, paths, {}, augmentation, self.batch_size, self.num_workers)
