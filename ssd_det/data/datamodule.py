"""From an annotation file and a folder of images to batches."""

import logging
import os
from pathlib import Path

from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader

from ssd_det.data.augmentation import Augmentation
from ssd_det.data.batch import FailedBatch, RefineBatch, Sample, collate
from ssd_det.data.coco import Category, CocoFile, missing_images_error, read_coco, resolve_images
from ssd_det.data.dataset import RefineDataset
from ssd_det.data.sampling import EpochSampler, EqualSizeBatches
from ssd_det.errors import InputError

log = logging.getLogger(__name__)


class RefineDataModule(LightningDataModule):
    """Noisy annotations and their images, for training the refiner and for refining.

    Args:
        annotations: a COCO json file with inaccurate boxes.
        image_root: the folder that its file names start from.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        batch_size: images a step and process.
        num_workers: processes that read images.
        max_objects: objects an image in a training step, a random subset each time; bounds memory.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        seed: decides order, subsets, augmentation and negatives, together with epoch and image id;
            that of ``seed_everything`` where not given.
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
        seed: int | None = None,
    ) -> None:
        super().__init__()
        if num_workers < 0:
            raise InputError(f"data.num_workers is {num_workers}: give a number from 0 up.")
        for name, value in (
            ("shortest_side", shortest_side),
            ("longest_side", longest_side),
            ("batch_size", batch_size),
            ("max_objects", max_objects),
        ):
            if value < 1:
                raise InputError(f"data.{name} is {value}: give a number from 1 up.")
        for name, share in (("horizontal_flip", horizontal_flip), ("color_jitter", color_jitter)):
            if not 0 <= share <= 1:
                raise InputError(f"data.{name} is {share}: give a number from 0 to 1.")
        self.annotations = annotations
        self.image_root = image_root
        self.shortest_side = shortest_side
        self.longest_side = longest_side
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.max_objects = max_objects
        self.horizontal_flip = horizontal_flip
        self.color_jitter = color_jitter
        # Where Lightning keeps the seed of seed_everything, and its own samplers look for it.
        self.seed = int(os.environ.get("PL_GLOBAL_SEED", "0")) if seed is None else seed
        self.skip_missing_images = False
        self._coco: CocoFile | None = None
        self._paths: dict[int, Path] = {}

    @property
    def coco(self) -> CocoFile:
        """The annotation file, read at the first use.

        Raises:
            InputError: if it cannot be used, or images are missing and are not to be skipped.
        """
        if self._coco is None:
            coco = read_coco(self.annotations)
            self._paths, missing = resolve_images(coco, self.image_root)
            if missing and not (self.skip_missing_images and self._paths):
                raise missing_images_error(coco, self.image_root, missing)
            self._coco = coco
        return self._coco

    @property
    def paths(self) -> dict[int, Path]:
        """The file of each image that is there, by image id."""
        _ = self.coco  # finds them
        return self._paths

    @property
    def categories(self) -> list[Category]:
        """The classes, in the order of the labels."""
        return self.coco.categories

    def setup(self, stage: str) -> None:
        """Read the annotation file, and say how much of it is not trained on.

        Raises:
            InputError: see :meth:`count_refinable`.
        """
        left_out = len(self.coco.annotations) - self.count_refinable()
        if stage == "fit" and left_out:
            log.warning(
                "%d of %d annotations are not trained on: crowd, no area or outside the image.",
                left_out,
                len(self.coco.annotations),
            )

    def count_refinable(self) -> int:
        """Count the annotations that can be trained on or refined, at least one.

        Raises:
            InputError: see :attr:`coco`; or if there is none.
        """
        kept = sum(self.coco.reason_to_skip(annotation) is None for annotation in self.coco.annotations)
        if not kept:
            raise InputError(
                f"{self.annotations}: none of its {len(self.coco.annotations)} annotations can be refined "
                f"(all crowd, without area or outside their image): give a file with boxes."
            )
        return kept

    def train_dataloader(self) -> DataLoader[Sample]:
        """Shuffled batches with augmentation."""
        dataset = RefineDataset(
            self.coco,
            self.paths,
            Augmentation(self.shortest_side, self.longest_side, self.horizontal_flip, self.color_jitter),
            self.seed,
            self.max_objects,
        )
        world, rank = self._processes()
        sampler = EpochSampler(dataset, num_replicas=world, rank=rank, seed=self.seed)
        return DataLoader(
            dataset,
            sampler=sampler,
            batch_size=self.batch_size,
            collate_fn=collate,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def predict_dataloader(self) -> DataLoader[RefineBatch | FailedBatch]:
        """Every image with objects once, without augmentation, in batches of one padded size."""
        dataset = RefineDataset(self.coco, self.paths, Augmentation(self.shortest_side, self.longest_side))
        batches = EqualSizeBatches(dataset, self.batch_size, self._processes()[0])
        return DataLoader(batches, batch_size=None, num_workers=self.num_workers)

    def _processes(self) -> tuple[int, int]:
        """How many processes there are, and which this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)
