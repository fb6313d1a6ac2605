"""Images with the boxes as the refiner sees them while it learns, for wandb."""

from dataclasses import replace
from typing import cast

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch.utils.data import DataLoader

from ssd_det.annotations.annotation import Annotation
from ssd_det.batches.augmentation import Augmentation
from ssd_det.batches.batch import RefineBatch, collate
from ssd_det.batches.dataset import CocoDataset
from ssd_det.errors import InputError
from ssd_det.models.refiner import Refiner
from ssd_det.ops.box_types import to_xywh
from ssd_det.report.panels import panel
from ssd_det.report.tolerant_wandb import giving_up, working
from ssd_det.tasks.refine import RefineTask


class BoxPanels(Callback):
    """Log, after each epoch, some images with noisy, refined and, where known, true boxes, always the same ones.

    They are refined in a pass of their own by the first process, without augmentation. Without wandb nothing is done.

    Args:
        images: how many, evenly spread over the annotation file.

    Raises:
        InputError: if that is none.
    """

    def __init__(self, images: int = 4) -> None:
        if images < 1:
            raise InputError(f"images of BoxPanels is {images}: give a number from 1 up.")
        self.images = images
        self.loggers: list[WandbLogger] = []
        self.dataset: CocoDataset | None = None
        self.names: dict[int, str] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Choose the images."""
        self.loggers = working(trainer.loggers) if trainer.is_global_zero else []
        if self.loggers:
            datamodule = trainer.datamodule  # type: ignore[attr-defined]
            trained_on = cast(DataLoader[RefineBatch], trainer.train_dataloader).dataset
            assert isinstance(trained_on, CocoDataset)
            indices = np.linspace(0, len(trained_on) - 1, min(self.images, len(trained_on))).astype(int)
            images = [trained_on.images[index] for index in indices]
            paths = {image.id: trained_on.paths[image.id] for image in images}
            augmentation = Augmentation(datamodule.shortest_side, datamodule.longest_side)
            coco = replace(datamodule.coco, images=images)
            self.names = {category.id: category.name for category in coco.categories}
            self.dataset = CocoDataset(coco, paths, augmentation)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Refine the boxes of the images, and log them.

        Raises:
            InputError: if an image cannot be read.
        """
        if self.dataset is None or not working(self.loggers):
            return
        refiner = cast(RefineTask, pl_module).built_refiner
        assert refiner is not None
        refiner.eval()
        refined = [_refine(trainer, refiner, self.dataset, index) for index in range(len(self.dataset.images))]
        refiner.train()
        for logger in working(self.loggers):
            with giving_up(logger):
                panels = [
                    panel(image, self.dataset.paths[image.id], annotations, self.names, scores)
                    for image, (annotations, scores) in zip(self.dataset.images, refined, strict=True)
                ]
                logger.experiment.log({"training": panels, "trainer/global_step": trainer.global_step})


@torch.no_grad()
def _refine(
    trainer: Trainer, refiner: Refiner, dataset: CocoDataset, index: int
) -> tuple[list[Annotation], dict[int, float]]:
    """The annotations of an image with refined boxes, and the IoU that the refiner predicts for each, by id."""
    batch = collate([dataset[0, index]])
    batch = trainer.strategy.batch_to_device(trainer.precision_plugin.convert_input(batch))
    with trainer.precision_plugin.forward_context():
        output = refiner(batch.images, batch.objects)
    boxes = (output.refined.double() / batch.scales.double().repeat(1, 2)).tolist()
    annotations = dataset.objects[dataset.images[index].id]
    refined = [a._replace(bbox=to_xywh(box), original_bbox=a.bbox) for a, box in zip(annotations, boxes, strict=True)]
    return refined, {a.id: score for a, score in zip(annotations, output.score.tolist(), strict=True)}
