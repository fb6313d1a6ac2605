"""What every data module shares: checked settings, one seed, and a share of the data for each process."""

import logging
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from lightning.pytorch import LightningDataModule
from lightning.pytorch.utilities import rank_zero_only
from torch.utils.data import DataLoader

from ssd_det.annotations.coco import Category, CocoFile
from ssd_det.annotations.formats.with_images import left_out_images, read_with_images
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.stored_sizes import check_stored_sizes
from ssd_det.batches.batch import Sample
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_loader import ImageLoader, collate_shared
from ssd_det.batches.samplers import EpochSampler
from ssd_det.errors import InputError
from ssd_det.foreign.shown_text import sentence_of


@rank_zero_only
def warn(text: str) -> None:
    """Log a warning, on the first process."""
    logging.getLogger(__name__).warning(sentence_of(text))


class CocoDataModule(LightningDataModule):
    """What the data modules share: checked settings, one seed, and a share of the data for each process.

    Args:
        batch_size: images a step and process.
        num_workers: processes that read images.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        allow_outside: let file names that are absolute or have a part .. lead out of the folders of the images.
        skip_missing_images: leave images out that are not there.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell.
        seed: decides every random draw; that of ``seed_everything`` where not given.
        sizes: further settings that have to be positive.

    Attributes:
        trusted: the path of boxes that a person has checked, of data modules that take some.
    """

    trusted: str | None = None

    def __init__(
        self,
        batch_size: int,
        num_workers: int,
        horizontal_flip: float,
        color_jitter: float,
        allow_outside: bool,
        skip_missing_images: bool,
        yolo_rows: RowKind | None,
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
        self.allow_outside = allow_outside
        self.skip_missing_images = skip_missing_images
        self.yolo_rows = yolo_rows
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

    def take_classes(self, categories: Sequence[Category]) -> None:
        """Be told the classes of the network, before anything is tested on."""

    def coco_for(self, stage: str) -> CocoFile:
        """The annotation file that a stage of the Trainer (fit, test, predict) works on."""
        return self.coco

    def check_training_data(self) -> None:
        """Look at everything that a training reads, before any process is started.

        Raises:
            InputError: see :attr:`coco`; or if no annotation can be used, or an image is of another size than the
                annotation file says.
        """
        self.coco.count_usable()
        check_stored_sizes(*self._training_data())

    def setup(self, stage: str) -> None:
        """Read the annotation file, and say how much of it is not trained on.

        Raises:
            InputError: see :attr:`coco`; or if no annotation can be used.
        """
        if stage != "fit":
            return
        left_out = len(self.coco.annotations) - self.coco.count_usable()
        if left_out:
            warn(
                f"{left_out} of {len(self.coco.annotations)} annotations are not trained on: "
                f"crowd, difficult, rotated, no area or outside the image."
            )

    def _training_data(self) -> tuple[CocoFile, dict[int, Path]]:
        """The annotation file to learn from, and the path of each image that is there, by image id."""
        raise NotImplementedError

    def _read_with_images(self, annotations: str, image_root: str) -> tuple[CocoFile, dict[int, Path]]:
        """Read an annotation file, find its images, and count those that are left out, in one line."""
        coco, paths = read_with_images(
            annotations, image_root, self.skip_missing_images, self.allow_outside, self.yolo_rows
        )
        if left_out := left_out_images(coco, paths, image_root):
            warn(left_out)
        return coco, paths

    def _train_loader(self, dataset: CocoDataset, collate_samples: Callable[[list[Sample]], Any]) -> DataLoader[Any]:
        """Shuffled batches, each process its share."""
        world, rank = self._processes()
        sampler = EpochSampler(dataset, num_replicas=world, rank=rank, seed=self.seed)
        if self.trainer is not None:
            # A training that goes on from a checkpoint asks for its first batches before it sets the epoch, and leaves
            # it to the data to begin behind those that were trained on.
            loop: Any = self.trainer.fit_loop
            epochs, batches = loop.epoch_progress.current, loop.epoch_loop.batch_progress.current
            sampler.set_epoch(epochs.processed)
            if epochs.started > epochs.processed:
                sampler.begin_behind(batches.processed * self.batch_size)
        return ImageLoader(
            dataset,
            sampler=sampler,
            batch_size=self.batch_size,
            collate_fn=partial(collate_shared, collate_samples),
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def _processes(self) -> tuple[int, int]:
        """How many processes there are, and which this is."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)


def check_sizes(**sizes: int) -> None:
    """Make sure that settings are positive.

    Raises:
        InputError: if one is not.
    """
    for name, value in sizes.items():
        if value < 1:
            raise InputError(f"data.{name} is {value}: give a number from 1 up.")
