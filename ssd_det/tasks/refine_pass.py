"""Refining batches with trained refiners, for Lightning's ``Trainer.predict``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import torch
from lightning.fabric.utilities.apply_func import move_data_to_device
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.models.refiner import Refiner
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.models.signals import box_signals, pass_signals
from ssd_det.models.views import View, from_view, to_view
from ssd_det.ops.boxes import iou
from ssd_det.tasks.kept_features import KeptFeatures
from ssd_det.tasks.noise_estimate import grouped_statistics


@dataclass(frozen=True)
class TrainedRefiner:
    """A refiner, and the images that its training has not seen.

    Attributes:
        refiner: the network.
        unseen: ``LongTensor[N]``, ids of images of the file; empty where it was trained on all of them.
    """

    refiner: Refiner
    unseen: Tensor


@dataclass  # not frozen: Lightning moves it to the CPU field by field
class RefinedBatch:
    """What was found for the objects of a batch.

    Attributes:
        annotation_ids: ``LongTensor[G]``.
        boxes: ``Tensor[G, 4]``, xyxy in pixels of the original images.
        unseen_boxes: ``Tensor[G, 4]``, those of the refiners alone that have not seen the image; all of them where each
            has seen it.
        signals: ``Tensor[G, 12]``, see :data:`ssd_det.models.signals.SIGNALS`.
        statistics: ``Tensor[2, 2, 5, 2]``, which tell the noise level, of groups of objects; see
            :func:`ssd_det.tasks.noise_estimate.grouped_statistics`.
    """

    annotation_ids: Tensor
    boxes: Tensor
    unseen_boxes: Tensor
    signals: Tensor
    statistics: Tensor


class _OnePass(NamedTuple):
    """What one refiner found in one view: boxes as seen in no view, in pixels of the network's input."""

    boxes: Tensor
    signals: Tensor
    unseen: Tensor
    statistics: Tensor


class RefinePass(LightningModule):
    """Refiners that look at each image in one or several views; boxes are averaged over both.

    Args:
        refiners: at least one.
        views: at least one.
        kept: features of the images that several passes look at.
    """

    def __init__(
        self, refiners: Sequence[TrainedRefiner], views: Sequence[View], kept: KeptFeatures | None = None
    ) -> None:
        super().__init__()
        # Under SLURM Lightning loads the checkpoint of a requeued training into whatever runs in its folder.
        self.strict_loading = False
        modules = nn.ModuleList(trained.refiner for trained in refiners)
        # With channels innermost, CPUs convolve faster, and boxes are pooled from the pyramid as it is.
        self.refiners = modules.to(memory_format=torch.channels_last)
        self.unseen = [trained.unseen.sort().values for trained in refiners]
        self.views = views
        self.kept = kept
        self.found: list[RefinedBatch | FailedBatch] = []

    def on_predict_start(self) -> None:
        """Put what every step looks into where the steps are done."""
        self.unseen = [ids.to(self.device) for ids in self.unseen]

    def on_predict_batch_end(
        self, outputs: Any, batch: RefineBatch | FailedBatch, batch_index: int, dataloader_index: int = 0
    ) -> None:
        """Keep what was found, which Lightning would keep for longer than it is needed."""
        self.found.append(move_data_to_device(outputs, torch.device("cpu")))

    def take_found(self) -> list[RefinedBatch | FailedBatch]:
        """What was found in all batches, which is not kept any longer."""
        found, self.found = self.found, []
        return found

    def predict_step(self, batch: RefineBatch | FailedBatch, batch_index: int) -> RefinedBatch | FailedBatch:
        """Refine a batch; one that could not be read is handed on."""
        if isinstance(batch, FailedBatch):
            return batch
        ways = [(refiner, view) for refiner in range(len(self.refiners)) for view in range(len(self.views))]
        unseen = self._unseen(batch)
        image_ids = batch.image_ids.tolist() if self.kept is not None else []
        passes = [self._refine(batch, image_ids, refiner, view, unseen[refiner]) for refiner, view in ways]
        every = torch.stack([one.boxes for one in passes])
        boxes = every.mean(dim=0)
        agreement = iou(every, boxes).mean(dim=0)
        signals = torch.stack([one.signals for one in passes]).mean(dim=0)
        signals = torch.cat([signals, box_signals(boxes, agreement, batch.objects)], dim=1)
        scale = batch.scales[batch.objects.image_index].repeat(1, 2)
        return RefinedBatch(
            annotation_ids=batch.annotation_ids,
            boxes=boxes / scale,
            unseen_boxes=_mean_of_unseen(every, torch.stack([one.unseen for one in passes])) / scale,
            signals=signals,
            statistics=torch.stack([one.statistics for one in passes]).sum(dim=0),
        )

    def _unseen(self, batch: RefineBatch) -> list[Tensor]:
        """For each refiner, the objects whose image it has not seen, ``BoolTensor[G]``."""
        return [_among(batch.image_ids, ids)[batch.objects.image_index] for ids in self.unseen]

    def _refine(
        self, batch: RefineBatch, image_ids: Sequence[int], number: int, view_number: int, unseen: Tensor
    ) -> _OnePass:
        """Refine a batch with one refiner in one view, both by their numbers."""
        refiner, view = cast(Refiner, self.refiners[number]), self.views[view_number]
        images, objects = to_view(batch.images, batch.objects, view)

        def features() -> list[Tensor]:
            return refiner.features(images.contiguous(memory_format=torch.channels_last), objects.image_sizes)

        if self.kept is None:
            pyramid = features()
        else:
            pyramid = self.kept.of(image_ids, number * len(self.views) + view_number, features)
        output: RefinerOutput = refiner.head(pyramid, objects)
        return _OnePass(
            boxes=from_view(output.refined, batch.images, batch.objects, view),
            signals=pass_signals(output, objects),
            unseen=unseen,
            statistics=grouped_statistics(output, objects, unseen),
        )


def _among(image_ids: Tensor, known: Tensor) -> Tensor:
    """Which ids, ``LongTensor[B]``, are among ascending ones, ``LongTensor[N]``, without a look at each of these."""
    if not len(known):
        return torch.zeros_like(image_ids, dtype=torch.bool)
    return known[torch.searchsorted(known, image_ids).clamp(max=len(known) - 1)] == image_ids


def _mean_of_unseen(boxes: Tensor, unseen: Tensor) -> Tensor:
    """Mean over passes.

    Args:
        boxes: ``Tensor[V, G, 4]``, of V passes.
        unseen: ``BoolTensor[V, G]``, the boxes to take; all of an object that has none.
    """
    taken = (unseen | ~unseen.any(dim=0)).to(boxes.dtype)[:, :, None]
    return (boxes * taken).sum(dim=0) / taken.sum(dim=0)
