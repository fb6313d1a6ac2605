"""Batches for training the refiner, and for refining."""

from collections.abc import Mapping
from pathlib import Path

from torch.utils.data import DataLoader

from ssd_det.annotations.coco import CocoFile, Image, with_boxes
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import FailedBatch, RefineBatch, collate, padded_size
from ssd_det.batches.coco_datamodule import CocoDataModule, read_with_images
from ssd_det.batches.dataset import CocoDataset
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh


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
        self.other_boxes: Mapping[int, Xywh] | None = None
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
