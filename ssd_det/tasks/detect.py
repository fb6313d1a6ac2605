"""Training a detector on the boxes of an annotation file, and testing it on true ones."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ssd_det.data.batch import DetectBatch, FailedBatch
from ssd_det.data.detect_datamodule import DetectDataModule
from ssd_det.data.writing import xywh
from ssd_det.errors import InputError
from ssd_det.models.backbone import BackboneName
from ssd_det.models.detector import DetectorName, build_detector
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD
from ssd_det.tasks.base import OPTIMISATION, TRAINING_ONLY, OptimizerName, Task, check_range

COORDINATE_DIGITS = 3
SCORE_DIGITS = 5


class DetectTask(Task):
    """One of torchvision's detectors with its losses, optimiser and schedule.

    The network is built when the class list is known, from the data or from a checkpoint.

    Args:
        detector: faster_rcnn, retinanet or fcos.
        backbone: torchvision network under the feature pyramid.
        weights: ``null`` for random weights, the name of torchvision weights, or a path to a state_dict.
        frozen_stages: stages of the backbone that are not trained, the stem with the first.
        freeze_batch_norm: keep batch norms on their running statistics; not for random weights.
        fpn_channels: channels of the feature pyramid, a multiple of 32.
        feature_width: of the fully connected layers of Faster R-CNN's head.
        anchor_sizes: one for each of the five pyramid levels, in pixels of the resized image; torchvision's
            where not given.
        proposals: of Faster R-CNN's first stage.
        rois_per_image: proposals that Faster R-CNN's second stage learns from.
        score_threshold: detections below it are dropped.
        nms_threshold: IoU above which the lower of two detections of a class is dropped.
        detections_per_image: at most.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.
        optimizer: ``sgd`` or ``adamw``.
        learning_rate: after warm-up.
        momentum: of SGD.
        weight_decay: of either.
        warmup_steps: steps of linear warm-up from 0.001 of the rate.
        milestones: epochs after which the rate is divided by 10.
    """

    NAME = "detector"
    DATA = DetectDataModule
    COMMANDS = frozenset({"fit", "test", "predict"})
    FREE = TRAINING_ONLY | {
        "proposals",
        "rois_per_image",
        "score_threshold",
        "nms_threshold",
        "detections_per_image",
        "shortest_side",
        "longest_side",
    }

    def __init__(
        self,
        detector: DetectorName = "faster_rcnn",
        backbone: BackboneName = "resnet50",
        weights: str | None = "DEFAULT",
        frozen_stages: int = 1,
        freeze_batch_norm: bool = True,
        fpn_channels: int = 256,
        feature_width: int = 1024,
        anchor_sizes: Sequence[float] | None = None,
        proposals: int = 1000,
        rois_per_image: int = 512,
        score_threshold: float = 0.05,
        nms_threshold: float = 0.5,
        detections_per_image: int = 100,
        shortest_side: int = 800,
        longest_side: int = 1333,
        image_mean: Sequence[float] = IMAGENET_MEAN,
        image_std: Sequence[float] = IMAGENET_STD,
        optimizer: OptimizerName = "sgd",
        learning_rate: float = 0.02,
        momentum: float = 0.9,
        weight_decay: float = 1e-4,
        warmup_steps: int = 500,
        milestones: Sequence[int] = (8, 11),
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.check_settings()
        check_range(
            1, self.hparams, "proposals", "rois_per_image", "detections_per_image", "shortest_side", "longest_side"
        )
        for name in ("score_threshold", "nms_threshold"):
            if not 0 <= self.hparams[name] <= 1:
                raise InputError(f"model.{name} is {self.hparams[name]}: give a number from 0 to 1.")
        self.detector: nn.Module | None = None

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.detector is not None:
            return
        assert self.categories is not None
        settings = {name: value for name, value in self.hparams.items() if name not in OPTIMISATION}
        self.detector = build_detector(settings.pop("detector"), len(self.categories), **settings)

    def training_step(self, batch: DetectBatch, batch_index: int) -> Tensor:
        """Compute and log the losses.

        The detectors draw samples from the global generator: it is seeded by the images of the batch, so that a
        training that goes on from a checkpoint draws the same as one that was never stopped.
        """
        assert self.detector is not None
        torch.manual_seed(int(batch.seeds.sum()))
        terms: dict[str, Tensor] = self.detector(batch.images, batch.targets)
        return self.log_losses(terms, len(batch.images))

    def test_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> dict[str, Any]:
        """As :meth:`predict_step`."""
        return self.predict_step(batch, batch_index)

    def predict_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> dict[str, Any]:
        """Detect objects.

        Returns:
            ``found``: by image id the detections as COCO results, with ``image_id``, ``category_id``, ``bbox``
            (xywh in pixels of the original image) and ``score``; ``failures``: why images could not be read.
        """
        if isinstance(batch, FailedBatch):
            return {"found": {}, "failures": [batch.sentence]}
        assert self.detector is not None
        detections: list[dict[str, Tensor]] = self.detector(batch.images)
        found = {key: self._results(key, some) for key, some in zip(batch.image_ids, detections, strict=True)}
        return {"found": found, "failures": []}

    def _results(self, image_id: int, detections: dict[str, Tensor]) -> list[dict[str, Any]]:
        assert self.categories is not None
        boxes, labels, scores = (detections[name].tolist() for name in ("boxes", "labels", "scores"))
        return [
            {
                "image_id": image_id,
                "category_id": self.categories[label - 1].id,
                "bbox": [round(value, COORDINATE_DIGITS) for value in xywh(box)],
                "score": round(score, SCORE_DIGITS),
            }
            for box, label, score in zip(boxes, labels, scores, strict=True)
            if label > 0
        ]
