"""Refining batches with a trained refiner, for Lightning's ``Trainer.predict``."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightning.pytorch import LightningModule
from torch import Tensor

from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.models.refiner import Refiner
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.models.signals import box_signals, pass_signals
from ssd_det.models.views import View, from_view, to_view
from ssd_det.ops.boxes import iou
from ssd_det.tasks.noise_estimate import noise_statistics


@dataclass  # not frozen: Lightning moves predictions to the CPU field by field
class RefinedBatch:
    """What was found for the objects of a batch.

    Attributes:
        annotation_ids: ``LongTensor[G]``.
        boxes: ``Tensor[G, 4]``, xyxy in pixels of the original images.
        signals: ``Tensor[G, 12]``, see :data:`ssd_det.models.signals.SIGNALS`.
        statistics: ``Tensor[5, 2]``, which tell the noise level, see :mod:`ssd_det.ops.noise_level`.
    """

    annotation_ids: Tensor
    boxes: Tensor
    signals: Tensor
    statistics: Tensor


class RefinePass(LightningModule):
    """A refiner that looks at each image in one or several views, and averages the boxes over them.

    Args:
        refiner: a trained one.
        views: at least one.
    """

    def __init__(self, refiner: Refiner, views: Sequence[View]) -> None:
        super().__init__()
        self.refiner = refiner
        self.views = views

    def predict_step(self, batch: RefineBatch | FailedBatch, batch_index: int) -> RefinedBatch | FailedBatch:
        """Refine a batch; one that could not be read is handed on."""
        if isinstance(batch, FailedBatch):
            return batch
        passes = [self._refine(batch, view) for view in self.views]
        boxes_by_view = torch.stack([boxes for boxes, _, _ in passes])
        signals = torch.stack([signals for _, signals, _ in passes]).mean(dim=0)
        boxes = boxes_by_view.mean(dim=0)
        agreement = iou(boxes_by_view, boxes).mean(dim=0)
        signals = torch.cat([signals, box_signals(boxes, agreement, batch.objects)], dim=1)
        scale = batch.scales[batch.objects.image_index].repeat(1, 2)
        return RefinedBatch(
            annotation_ids=batch.annotation_ids,
            boxes=boxes / scale,
            signals=signals,
            statistics=torch.stack([statistics for _, _, statistics in passes]).sum(dim=0),
        )

    def _refine(self, batch: RefineBatch, view: View) -> tuple[Tensor, Tensor, Tensor]:
        """Refine a batch in one view: boxes as seen in no view, the signals of the pass, and its noise statistics."""
        images, objects = to_view(batch.images, batch.objects, view)
        output: RefinerOutput = self.refiner(images, objects)
        boxes = from_view(output.refined, batch.images, batch.objects, view)
        return boxes, pass_signals(output, objects), noise_statistics(output, objects)
