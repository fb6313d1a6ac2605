"""From an annotation file and a folder of images to batches: for the refiner, and what every data module shares."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from ssd_det.data.augmentation import Augmentation
from ssd_det.data.batch import FailedBatch, RefineBatch, Sample, collate, padded_size
from ssd_det.data.coco import Category, CocoFile, Image, with_boxes
from ssd_det.data.dataset import CocoDataset
from ssd_det.data.image_files import missing_images_error, resolve_images
from ssd_det.data.sampling import EpochSampler, EqualSizeBatches
from ssd_det.data.values import Box
from ssd_det.errors import InputError
from ssd_det.formats.reading import read_annotations

log = logging.getLogger(__name__)


class CocoDataModule(LightningDataModule):
    """What the data modules share: checked settings, one seed, and a share of the data for each process.

    Args:
        batch_size: images a step and process.
        num_workers: processes that read images.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        seed: decides every random draw; that of ``seed_everything`` where not given.
        sizes: further settings that have to be positive.
    """

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        horizontal_flip: float,
        color_jitter: float,
        seed: int | None,
        **sizes: int,
    ) -> None:
        super().__init__()
        if num_workers < 0:
            raise InputError(f"data.num_workers is {num_workers}: give a number from 0 up.")
        check_sizes(batch_size=batch_size, **sizes)
        for name, share in (("horizontal_flip", horizontal_flip), ("color_jitter", color_jitter)):
            if not 0 <= share <= 1:
                raise InputError(f"data.{name} is {share}: give a number from 0 to 1.")
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.horizontal_flip = horizontal_flip
        self.color_jitter = color_jitter
        # Where Lightning keeps the seed of seed_everything, and its own samplers look for it.
        self.seed = int(os.environ.get("PL_GLOBAL_SEED", "0")) if seed is None else seed

    @property
    def coco(self) -> CocoFile:
        """The annotation file to learn from, read at the first use."""
        raise NotImplementedError

    @property
    def categories(self) -> list[Category]:
        """The classes, in the order of the labels."""
        return self.coco.categories

    def coco_for(self, stage: str) -> CocoFile:
        """The annotation file that a stage of the Trainer (fit, test, predict) works on."""
        return self.coco

    def setup(self, stage: str) -> None:
        """Read the annotation file, and say how much of it is not trained on.

        Raises:
            InputError: see :attr:`coco`; or if no annotation can be used.
        """
        if stage != "fit":
            return
        left_out = len(self.coco.annotations) - self.coco.count_usable()
        if left_out:
            log.warning(
                "%d of %d annotations are not trained on: crowd, difficult, no area or outside the image.",
                left_out,
                len(self.coco.annotations),
            )

    def _train_loader(self, dataset: CocoDataset, collate_samples: Callable[[list[Sample]], Any]) -> DataLoader[Any]:
        """Shuffled batches, each process its share."""
        world, rank = self._processes()
        sampler = EpochSampler(dataset, num_replicas=world, rank=rank, seed=self.seed)
        if self.trainer is not None:
            # A training that goes on from a checkpoint asks for its first batches before it sets the epoch.
            sampler.set_epoch(self.trainer.fit_loop.epoch_progress.current.processed)  # type: ignore[attr-defined]
        return DataLoader(
            dataset,
            sampler=sampler,
            batch_size=self.batch_size,
            collate_fn=collate_samples,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def _equal_size_loader(
        self,
        dataset: CocoDataset,
        collate_samples: Callable[[list[Sample]], Any],
        size_of: Callable[[Image], tuple[int, int]],
    ) -> DataLoader[Any]:
        """Every image, in batches of one size."""
        batches = EqualSizeBatches(dataset, self.batch_size, self._processes()[0], collate_samples, size_of)
        return DataLoader(batches, batch_size=None, num_workers=self.num_workers)

    def _processes(self) -> tuple[int, int]:
        """How many processes there are, and which this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)


class RefineDataModule(CocoDataModule):
    """Noisy annotations and their images, for training the refiner and for refining.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder with inaccurate boxes.
        image_root: the folder that its file names start from.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        batch_size: images a step and process.
        num_workers: processes that read images.
        max_objects: objects an image in a training step, a random subset each time; bounds memory.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        folds: parts that the images are dealt out to, in the order of their ids.
        fold: the part, from 0 up, that is not trained on, and that alone is refined; with 1 fold everything is both.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
        seed: decides order, subsets, augmentation and negatives, together with epoch and image id;
            that of ``seed_everything`` where not given.

    Attributes:
        other_boxes: boxes xywh by annotation id, to be refined in the place of those in the file, alone with what
            else is in their images.
    """

    def __init__(
        self,
        annotations: str,
        image_root: str,
        shortest_side: int = 800,
        longest_side: int = 1333,
        batch_size: int = 2,
        num_workers: int = 2,
        max_objects: int = 16,
        horizontal_flip: float = 0.5,
        color_jitter: float = 0.0,
        folds: int = 1,
        fold: int = 0,
        allow_outside: bool = False,
        seed: int | None = None,
    ) -> None:
        if folds < 1 or not 0 <= fold < folds:
            raise InputError(f"data.fold is {fold} of data.folds {folds}: give a fold from 0 to below the folds.")
        super().__init__(
            batch_size,
            num_workers,
            horizontal_flip,
            color_jitter,
            seed,
            shortest_side=shortest_side,
            longest_side=longest_side,
            max_objects=max_objects,
        )
        self.annotations = annotations
        self.image_root = image_root
        self.shortest_side = shortest_side
        self.longest_side = longest_side
        self.max_objects = max_objects
        self.folds = folds
        self.fold = fold
        self.allow_outside = allow_outside
        self.skip_missing_images = False
        self.other_boxes: Mapping[int, Box] | None = None
        self._coco: CocoFile | None = None
        self._paths: dict[int, Path] = {}

    @property
    def coco(self) -> CocoFile:
        """The annotation file, read at the first use.

        Raises:
            InputError: if it cannot be used, or images are missing and are not to be skipped.
        """
        if self._coco is None:
            self._coco, self._paths = read_with_images(
                self.annotations, self.image_root, self.skip_missing_images, self.allow_outside
            )
        return self._coco

    @property
    def paths(self) -> dict[int, Path]:
        """The file of each image that is there, by image id."""
        _ = self.coco  # finds them
        return self._paths

    @property
    def passed_over(self) -> dict[int, str]:
        """The images whose boxes are not refined, and why."""
        over = {image.id: "image missing" for image in self.coco.images if image.id not in self.paths}
        return over | dict.fromkeys(self._folds(held_out=False), "other fold")

    def train_dataloader(self) -> DataLoader[RefineBatch]:
        """Shuffled batches with augmentation."""
        augmentation = Augmentation(self.shortest_side, self.longest_side, self.horizontal_flip, self.color_jitter)
        paths = self._without(self._folds(held_out=True))
        dataset = CocoDataset(self.coco, paths, augmentation, self.seed, self.max_objects)
        if not len(dataset):
            raise InputError(f"{self.annotations}: no image with boxes is outside fold {self.fold}: give fewer folds.")
        return self._train_loader(dataset, collate)

    def predict_dataloader(self) -> DataLoader[RefineBatch | FailedBatch]:
        """Every image with objects once, without augmentation, in batches of one padded size."""
        augmentation = Augmentation(self.shortest_side, self.longest_side)
        self.coco.count_usable()
        coco = self.coco if self.other_boxes is None else with_boxes(self.coco, self.other_boxes)
        dataset = CocoDataset(coco, self._without(self._folds(held_out=False)), augmentation)

        def size_of(image: Image) -> tuple[int, int]:
            return padded_size(*augmentation.resized(image.height, image.width))

        return self._equal_size_loader(dataset, collate, size_of)

    def _folds(self, held_out: bool) -> set[int]:
        """Ids of the images of the fold that is held out, or of those of all the others."""
        if self.folds == 1:
            return set()
        ids = sorted(image.id for image in self.coco.images)
        return {image_id for place, image_id in enumerate(ids) if (place % self.folds == self.fold) == held_out}

    def _without(self, image_ids: set[int]) -> dict[int, Path]:
        """The files of the other images."""
        return {image_id: path for image_id, path in self.paths.items() if image_id not in image_ids}


def check_sizes(**sizes: int) -> None:
    """Make sure that settings are positive.

    Raises:
        InputError: if one is not.
    """
    for name, value in sizes.items():
        if value < 1:
            raise InputError(f"data.{name} is {value}: give a number from 1 up.")


def read_with_images(
    annotations: str, image_root: str, skip_missing_images: bool = False, allow_outside: bool = False
) -> tuple[CocoFile, dict[int, Path]]:
    """Read an annotation file and find its images.

    Returns:
        The file, and the path of each image that is there, by image id.

    Raises:
        InputError: if the file cannot be used, or images are missing and are not to be skipped.
    """
    coco = read_annotations(annotations, image_root)
    paths, missing = resolve_images(coco, image_root, allow_outside)
    if missing and not (skip_missing_images and paths):
        raise missing_images_error(coco, image_root, missing)
    return coco, paths
