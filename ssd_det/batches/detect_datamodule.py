"""Batches for training a detector, and for testing it, at the end or after each epoch."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.data import DataLoader

from ssd_det.annotations.categories import with_classes_of
from ssd_det.annotations.coco import Category, CocoFile
from ssd_det.annotations.formats.reading import default_image_root
from ssd_det.annotations.formats.with_images import check_test_images, with_found_images
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.stored_sizes import check_stored_sizes
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import DetectBatch, FailedBatch, collate_for_detection
from ssd_det.batches.coco_datamodule import CocoDataModule, warn
from ssd_det.batches.dataset import CocoDataset
from ssd_det.batches.image_loader import ImageLoader
from ssd_det.batches.samplers import EqualSizeBatches
from ssd_det.errors import InputError


class DetectDataModule(CocoDataModule):
    """Annotations to train a detector on, and others to test it on.

    Images keep their size here; the detector resizes them. Training leaves out images without boxes.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder to train on.
        image_root: the folder that its file names start from; where not given ``images`` beside a file, or where a
            folder has its images.
        test_annotations: true boxes to test on, in any of these formats, and the images of it to predict on.
        test_image_root: the folder that its file names start from; ``image_root`` where not given.
        val_annotations: true boxes to test on after each epoch of a training, in any of these formats; ``null`` for
            none. No shipped configuration has any, nor chooses by them.
        val_image_root: the folder that its file names start from; ``image_root`` where not given.
        batch_size: images a step and process.
        num_workers: processes that read images.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        allow_outside: let file names that are absolute or have a part .. lead out of the folders of the images.
        skip_missing_images: leave images out that are not there.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        seed: decides order, augmentation and sampling, together with epoch and image id; that of
            ``seed_everything`` where not given.
    """

    def __init__(
        self,
        annotations: str | None = None,
        image_root: str | None = None,
        test_annotations: str | None = None,
        test_image_root: str | None = None,
        val_annotations: str | None = None,
        val_image_root: str | None = None,
        batch_size: int = 2,
        num_workers: int = 2,
        horizontal_flip: float = 0.5,
        color_jitter: float = 0.0,
        allow_outside: bool = False,
        skip_missing_images: bool = False,
        yolo_rows: RowKind | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            batch_size, num_workers, horizontal_flip, color_jitter, allow_outside, skip_missing_images, yolo_rows, seed
        )
        self.annotations = annotations
        self.image_root = image_root
        self.test_annotations = test_annotations
        self.test_image_root = test_image_root
        self.val_annotations = val_annotations
        self.val_image_root = val_image_root
        self._train: tuple[CocoFile, dict[int, Path]] | None = None
        self._test: tuple[CocoFile, dict[int, Path]] | None = None
        self._classes: Sequence[Category] | None = None
        self._val: tuple[CocoFile, dict[int, Path]] | None = None

    @property
    def coco(self) -> CocoFile:
        """The annotation file to train on, read at the first use.

        Raises:
            InputError: if it is not given or cannot be used, or images are missing.
        """
        return self._training_data()[0]

    @property
    def test_coco(self) -> CocoFile:
        """The annotation file to test on, read at the first use.

        Raises:
            InputError: if it is not given or cannot be used, images are missing, or it has other classes than the
                network.
        """
        return self._test_data()[0]

    def take_classes(self, categories: Sequence[Category]) -> None:
        """Be told the classes of the network: those of annotations to test or validate on are matched to them."""
        if categories != self._classes:
            self._classes, self._test, self._val = categories, None, None

    def coco_for(self, stage: str) -> CocoFile:
        """The annotation file that a stage of the Trainer (fit, validate, test, predict) works on."""
        if stage == "fit":
            return self.coco
        return self._val_data()[0] if stage == "validate" else self.test_coco

    def check_training_data(self) -> None:
        """Make sure as well that the images to validate on are others than those to train on.

        Raises:
            InputError: as in :class:`ssd_det.batches.coco_datamodule.CocoDataModule`; or if the images to validate on
                are most likely in another folder, or their annotations have other categories.
        """
        super().check_training_data()
        if self.val_annotations is None:
            return
        self.take_classes(self.categories)
        val = self._val_data()
        check_stored_sizes(*val)
        if self.val_image_root is None:
            warning = check_test_images(self._training_data(), val, "data.val_image_root")
            if warning:
                warn(warning)

    def train_dataloader(self) -> DataLoader[Any]:
        """Shuffled :class:`ssd_det.batches.batch.DetectBatch` with augmentation, of images with boxes."""
        augmentation = Augmentation(horizontal_flip=self.horizontal_flip, color_jitter=self.color_jitter)
        dataset = CocoDataset(*self._training_data(), augmentation, self.seed)
        return self._train_loader(dataset, collate_for_detection)

    def val_dataloader(self) -> list[DataLoader[DetectBatch | FailedBatch]]:
        """As for testing, of the file to validate on; nothing where there is none."""
        return [] if self.val_annotations is None else [self._test_loader(*self._val_data())]

    def test_dataloader(self) -> DataLoader[DetectBatch | FailedBatch]:
        """Every image of the test file, without augmentation, in batches of one size."""
        return self._test_loader(*self._test_data())

    def predict_dataloader(self) -> DataLoader[DetectBatch | FailedBatch]:
        """As for testing."""
        return self.test_dataloader()

    def _test_loader(self, coco: CocoFile, paths: Mapping[int, Path]) -> DataLoader[DetectBatch | FailedBatch]:
        dataset = CocoDataset(coco, paths, Augmentation(), skip_empty=False)
        processes, _ = self._processes()
        batches = EqualSizeBatches(
            dataset, self.batch_size, processes, collate_for_detection, lambda image: (image.height, image.width)
        )
        return ImageLoader(batches, batch_size=None, num_workers=self.num_workers)

    def _training_data(self) -> tuple[CocoFile, dict[int, Path]]:
        if self._train is None:
            self._train = self._read("annotations", self.annotations, self.image_root)
        return self._train

    def _test_data(self) -> tuple[CocoFile, dict[int, Path]]:
        if self._test is None:
            root = self.test_image_root or self.image_root
            self._test = self._read_matched("test_annotations", self.test_annotations, root)
        return self._test

    def _val_data(self) -> tuple[CocoFile, dict[int, Path]]:
        if self._val is None:
            root = self.val_image_root or self.image_root
            self._val = self._read_matched("val_annotations", self.val_annotations, root)
        return self._val

    def _read_matched(
        self, setting: str, annotations: str | None, image_root: str | None
    ) -> tuple[CocoFile, dict[int, Path]]:
        """Read annotations to test or validate on, with the classes of the network where they are known."""
        coco, paths = self._read(setting, annotations, image_root)
        if self._classes is not None:
            coco = with_classes_of(coco, "the training data", self._classes)
        return coco, paths

    def _read(self, setting: str, annotations: str | None, image_root: str | None) -> tuple[CocoFile, dict[int, Path]]:
        coco, paths = self._read_with_images(*self._given(setting, annotations, image_root))
        return with_found_images(coco, paths), paths

    @staticmethod
    def _given(setting: str, annotations: str | None, image_root: str | None) -> tuple[str, str]:
        """Annotations and the folder of their images, by default where the format has them."""
        if annotations is None:
            raise InputError(
                f"data.{setting} is not given: give the path of a COCO json file, or of a YOLO or Pascal VOC folder."
            )
        return annotations, image_root or str(default_image_root(annotations))
