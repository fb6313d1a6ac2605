"""Batches for training refiner and detector together, and for testing the detector."""

from torch.utils.data import DataLoader

from ssd_det.data.augmentation import Augmentation
from ssd_det.data.batch import RefineBatch, collate
from ssd_det.data.datamodule import RefineDataModule, check_sizes
from ssd_det.data.dataset import CocoDataset
from ssd_det.data.detect_datamodule import DetectDataModule


class JointDataModule(DetectDataModule):
    """Noisy annotations to train refiner and detector on, and others to test the detector on.

    All objects of an image take part in a training step, as what is left out would be background to the detector.

    Args:
        annotations: a COCO json file with inaccurate boxes.
        image_root: the folder that its file names start from; ``images`` beside the file where not given.
        test_annotations: a COCO json file with true boxes to test on, and the images of it to predict on.
        test_image_root: the folder that its file names start from; ``image_root`` where not given.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        batch_size: images a step and process.
        num_workers: processes that read images.
        horizontal_flip: probability of mirroring a training image.
        color_jitter: relative range of brightness, contrast and saturation in training; 0 for none.
        seed: decides order, augmentation and sampling, together with epoch and image id; that of
            ``seed_everything`` where not given.
    """

    def __init__(
        self,
        annotations: str | None = None,
        image_root: str | None = None,
        test_annotations: str | None = None,
        test_image_root: str | None = None,
        shortest_side: int = 800,
        longest_side: int = 1333,
        batch_size: int = 2,
        num_workers: int = 2,
        horizontal_flip: float = 0.5,
        color_jitter: float = 0.0,
        seed: int | None = None,
    ) -> None:
        super().__init__(
            annotations,
            image_root,
            test_annotations,
            test_image_root,
            batch_size,
            num_workers,
            horizontal_flip,
            color_jitter,
            seed,
        )
        check_sizes(shortest_side=shortest_side, longest_side=longest_side)
        self.shortest_side = shortest_side
        self.longest_side = longest_side

    def train_dataloader(self) -> DataLoader[RefineBatch]:  # type: ignore[override]
        """Shuffled batches with augmentation, of images with boxes, resized."""
        augmentation = Augmentation(self.shortest_side, self.longest_side, self.horizontal_flip, self.color_jitter)
        dataset = CocoDataset(*self._training_data(), augmentation, self.seed)
        return self._train_loader(dataset, collate)

    def for_refining(self) -> RefineDataModule:
        """The annotations to be refined, and their images.

        Raises:
            InputError: if they are not given.
        """
        annotations, image_root = self._given("annotations", self.annotations, self.image_root)
        return RefineDataModule(
            annotations,
            image_root,
            self.shortest_side,
            self.longest_side,
            self.batch_size,
            self.num_workers,
            seed=self.seed,
        )
