"""Batches for training the refiner, and for refining."""

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor
from torch.utils.data import DataLoader

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.folds import images_of_fold
from ssd_det.annotations.formats.with_images import read_with_images, with_found_images
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.offsets_record import KEY as OFFSETS
from ssd_det.annotations.offsets_record import offsets_of
from ssd_det.annotations.repeated_images import warn_of_repeated_images
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import FailedBatch, RefineBatch, collate
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.file_to_refine import FileToRefine
from ssd_det.batches.trusted_boxes import with_trusted_boxes
from ssd_det.batches.trusted_noise import trusted_noise
from ssd_det.errors import InputError

UNSEEN_IMAGES = "unseen_images"
LARGEST_WEIGHT = 1000
LARGEST_SCALE_JITTER = 1.0  # a factor of 2.7 either way, and 7 times the memory


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
        scale_jitter: s, images are scaled by a factor from exp(-s) to exp(s) in training; 0 for none.
        validation_share: of the images with boxes, kept aside from training to validate on; they are refined as well.
        folds: parts that the images are dealt out to, in the order of their ids.
        fold: the part, from 0 up, that is not trained on, and that alone is refined; with 1 fold everything is both.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
        skip_missing_images: leave images out that are not there, and let their annotations pass through.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        trusted: boxes of some of the images that a person has checked, in any of these formats. They take the place of
            the noisy ones, and what they show all boxes to share is taken out of the others.
        trusted_weight: how much an object with a trusted box counts in training. It is given noise as trusted boxes
            show it, anew each epoch, and the refiner learns to go to the trusted box; 0 to take that for a noisy one.
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
        scale_jitter: float = 0.0,
        validation_share: float = 0.0,
        folds: int = 1,
        fold: int = 0,
        allow_outside: bool = False,
        skip_missing_images: bool = False,
        yolo_rows: RowKind | None = None,
        trusted: str | None = None,
        trusted_weight: float = 0.0,
        seed: int | None = None,
    ) -> None:
        if folds < 1 or not 0 <= fold < folds:
            raise InputError(f"data.fold is {fold} of data.folds {folds}: give a fold from 0 to below the folds.")
        super().__init__(
            batch_size,
            num_workers,
            horizontal_flip,
            color_jitter,
            allow_outside,
            skip_missing_images,
            yolo_rows,
            seed,
            shortest_side=shortest_side,
            longest_side=longest_side,
            max_objects=max_objects,
        )
        self.annotations = annotations
        self.image_root = image_root
        self.trusted = trusted
        if not 0 <= trusted_weight <= LARGEST_WEIGHT:
            raise InputError(f"data.trusted_weight is {trusted_weight}: give a number from 0 to {LARGEST_WEIGHT}.")
        self.trusted_weight = trusted_weight
        self.shortest_side = shortest_side
        self.longest_side = longest_side
        if not 0 <= scale_jitter <= LARGEST_SCALE_JITTER:
            raise InputError(f"data.scale_jitter is {scale_jitter}: give a number from 0 to {LARGEST_SCALE_JITTER}.")
        self.max_objects = max_objects
        if not 0 <= validation_share < 1:
            raise InputError(f"data.validation_share is {validation_share}: give a number from 0 to below 1.")
        self.scale_jitter = scale_jitter
        self.validation_share = validation_share
        self.folds = folds
        self.fold = fold
        self._data: tuple[CocoFile, dict[int, Path]] | None = None

    @cached_property
    def coco(self) -> CocoFile:
        """The annotation file with the images that are there, read at the first use.

        Raises:
            InputError: if it cannot be used, or images are missing.
        """
        return with_found_images(*self._training_data())

    @property
    def noisy_annotations(self) -> str:
        """The path of the annotations to refine."""
        return self.annotations

    def to_refine(self, skip_missing_images: bool = False) -> FileToRefine:
        """The annotations and their images: all of them, or those of the fold that is not trained on.

        Args:
            skip_missing_images: leave images out that are not there.

        Raises:
            InputError: if the file cannot be used, or images are missing and are not to be left out.
        """
        skip = skip_missing_images or self.skip_missing_images
        read, paths = read_with_images(self.annotations, self.image_root, skip, self.allow_outside, self.yolo_rows)
        coco = self._with_trusted(read)
        fold = images_of_fold(coco, self.fold, self.folds)
        other_folds = {image.id: "other fold" for image in coco.images if image.id not in fold}
        augmentation = Augmentation(self.shortest_side, self.longest_side)
        return FileToRefine(coco, paths, other_folds, augmentation, self.batch_size, self.num_workers, read)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: the images that the training does not see, and what all boxes shared, if known."""
        training, _ = self._parts()
        unseen = sorted(self._training_data()[1].keys() - training.keys())
        state: dict[str, Any] = {UNSEEN_IMAGES: torch.tensor(unseen, dtype=torch.long)} if unseen else {}
        record = offsets_of(self._training_data()[0].content)
        return state if record is None else {**state, OFFSETS: record.to_json()}

    def train_dataloader(self) -> DataLoader[RefineBatch]:
        """Shuffled batches with augmentation, of images outside the fold that is held out."""
        augmentation = Augmentation(
            self.shortest_side, self.longest_side, self.horizontal_flip, self.color_jitter, self.scale_jitter
        )
        training, _ = self._parts()
        noise = trusted_noise(self.coco) if self.trusted_weight else None
        dataset = CocoDataset(self.coco, training, augmentation, self.seed, self.max_objects, trusted_noise=noise)
        return self._train_loader(dataset, partial(collate, trusted_weight=self.trusted_weight))

    def val_dataloader(self) -> list[DataLoader[RefineBatch | FailedBatch]]:
        """The images kept aside, without augmentation; nothing where none are."""
        _, kept_aside = self._parts()
        if not kept_aside:
            return []
        augmentation = Augmentation(self.shortest_side, self.longest_side)
        data = FileToRefine(self.coco, kept_aside, {}, augmentation, self.batch_size, self.num_workers)
        return [data.loader(self._processes()[0])]

    def _parts(self) -> tuple[dict[int, Path], dict[int, Path]]:
        """The images to train on and those kept aside, by id; each image has boxes that can be used.

        Raises:
            InputError: if there are none to train on, or none are kept aside though some should be.
        """
        coco, paths = self._training_data()
        held_out = images_of_fold(coco, self.fold, self.folds) if self.folds > 1 else set()
        usable = {a.image_id for a in coco.annotations if coco.why_unusable(a) is None}
        ids = sorted(image_id for image_id in paths if image_id in usable and image_id not in held_out)
        if not ids:
            raise InputError(f"{self.annotations}: no image with boxes is outside fold {self.fold}: give fewer folds.")
        count = round(self.validation_share * len(ids))
        if self.validation_share and not 0 < count < len(ids):
            raise InputError(
                f"data.validation_share is {self.validation_share}, which keeps {count} of {len(ids)} images aside: "
                f"give a share that leaves images both to train and to validate on."
            )
        chosen = np.random.default_rng(self.seed % 2**64).permutation(ids)[:count].tolist()
        kept_aside = {image_id: paths[image_id] for image_id in chosen}
        return {image_id: path for image_id, path in paths.items() if image_id not in {*chosen, *held_out}}, kept_aside

    def _training_data(self) -> tuple[CocoFile, dict[int, Path]]:
        if self._data is None:
            coco, paths = self._read_with_images(self.annotations, self.image_root)
            self._data = self._with_trusted(coco), paths
            rank_zero_only(warn_of_repeated_images)(coco)
        return self._data

    def _with_trusted(self, coco: CocoFile) -> CocoFile:
        if self.trusted is None:
            return coco
        return with_trusted_boxes(coco, self.trusted, self.image_root, self.yolo_rows)


def unseen_images(checkpoint: Mapping[str, Any]) -> Tensor:
    """The ids of the images that a training did not see, ``LongTensor[N]``; empty where it saw all of its file."""
    state = checkpoint.get(RefineDataModule.__qualname__, {})
    ids: Tensor = state.get(UNSEEN_IMAGES, torch.zeros(0, dtype=torch.long))
    return ids


def are_unseen_images(checkpoint: Mapping[str, Any]) -> bool:
    """Whether what a checkpoint keeps of unseen images is what :func:`unseen_images` reads."""
    state = checkpoint.get(RefineDataModule.__qualname__, {})
    ids = state.get(UNSEEN_IMAGES) if isinstance(state, dict) else state
    return ids is None or (isinstance(ids, Tensor) and ids.dim() == 1 and ids.dtype == torch.long)
