"""Training a detector on the boxes of an annotation file, and testing it on true ones."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ssd_det.batches.batch import DetectBatch, FailedBatch
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.detect_datamodule import DetectDataModule
from ssd_det.errors import InputError
from ssd_det.models.backbone import BackboneName
from ssd_det.models.detector import DetectorName, P6Name, backbone_of, build_detector
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD
from ssd_det.tasks.base import TRAINING_ONLY, Task
from ssd_det.tasks.checkpoint import load_checkpoint, plain
from ssd_det.tasks.detections import Detections, check_detection, detect
from ssd_det.tasks.new_training import built_for_trial
from ssd_det.tasks.optimisation import OPTIMISATION, OptimizerName
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.setting_ranges import check_range

OF_BACKBONE = ("backbone", "fpn_channels", "image_mean", "image_std")
"""Settings of a refiner that a detector must share to begin with its backbone."""
REFINERS_BACKBONE = "refiner.backbone."


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
        candidates: of Faster R-CNN's first stage on each pyramid level in training, before suppression; as many as
            ``proposals`` where not given.
        proposals: of Faster R-CNN's first stage.
        rois_per_image: proposals that Faster R-CNN's second stage learns from.
        sampling_ratio: RoIAlign samples along each side of a cell in Faster R-CNN; 0 for adaptive.
        aligned_pooling: pool Faster R-CNN's proposals with half-pixel alignment, as the refiner does.
        p6: what makes Faster R-CNN's P6: ``max_pool`` of P5, or a ``convolution`` of the network's highest map.
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
    COMMANDS = frozenset({"fit", "validate", "test", "predict"})
    FREE = TRAINING_ONLY | {
        "candidates",
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
        candidates: int | None = None,
        proposals: int = 1000,
        rois_per_image: int = 512,
        sampling_ratio: int = 2,
        aligned_pooling: bool = False,
        p6: P6Name = "max_pool",
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
        self.detector: nn.Module | None = None
        self._first_backbone: dict[str, Tensor] | None = None

    def check_settings(self) -> None:
        """Make sure of the detector's settings as well.

        Raises:
            InputError: if one is out of range.
        """
        super().check_settings()
        check_range(1, self.hparams, "shortest_side", "longest_side")
        check_detection(self.hparams)

    def check_device(self, device: torch.device) -> None:
        """Make sure of it for the detector that pools; see :meth:`ssd_det.tasks.base.Task.check_device`."""
        if self.hparams["detector"] == "faster_rcnn":
            super().check_device(device)

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.detector is not None:
            return
        settings = {name: value for name, value in self.hparams.items() if name not in OPTIMISATION}
        self.detector = build_detector(settings.pop("detector"), len(self.known_categories()), **settings)
        if self._first_backbone is not None:
            backbone_of(self.detector).take_over(self._first_backbone)
            self._first_backbone = None

    def begin_from(self, path: str | Path, given: frozenset[str], datamodule: CocoDataModule) -> None:
        """Begin with another detector, or with the backbone and the pyramid of a refiner; see the method of all tasks.

        Raises:
            InputError: if it is neither, or the refiner has another backbone or other images.
        """
        checkpoint = load_checkpoint(path, self.NAME, frozenset({RefineTask.NAME}))
        if checkpoint["task"] == self.NAME:
            super().begin_from(path, given, datamodule)
            return
        for name in OF_BACKBONE:
            mine, its = plain(self.hparams[name]), plain(checkpoint["settings"].get(name))
            if mine != its:
                raise InputError(
                    f"model.{name} is {mine}, but the refiner of {path} was trained with {its}: "
                    f"give the detector the same, or leave start_from out."
                )
        self.hparams["weights"] = None
        weights = checkpoint["state_dict"].items()
        prefix = REFINERS_BACKBONE
        self._first_backbone = {name.removeprefix(prefix): value for name, value in weights if name.startswith(prefix)}
        try:
            built_for_trial(self, datamodule)
        except RuntimeError as error:
            raise self.foreign_checkpoint(path, "its backbone does not fit its settings") from error

    def training_step(self, batch: DetectBatch, batch_index: int) -> Tensor:
        """Compute and log the losses.

        The detectors draw samples from the global generator: it is seeded by the images of the batch, so that a
        training that goes on from a checkpoint draws the same as one that was never stopped.
        """
        assert self.detector is not None
        torch.manual_seed(sum(batch.seeds))
        terms: dict[str, Tensor] = self.detector(batch.images, batch.targets)
        return self.log_losses(terms, len(batch.images))

    def test_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> dict[str, Detections | FailedBatch]:
        """As :meth:`predict_step`, under the key ``detections``."""
        return {"detections": self.predict_step(batch, batch_index)}

    validation_step = test_step

    def predict_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> Detections | FailedBatch:
        """Detect objects; see :func:`ssd_det.tasks.detections.detect`."""
        assert self.detector is not None
        return detect(self.detector, batch)
