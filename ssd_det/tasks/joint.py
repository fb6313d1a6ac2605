"""Training refiner and detector together on one backbone, and testing the detector."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch

from ssd_det.batches.batch import DetectBatch, FailedBatch, RefineBatch
from ssd_det.batches.coco_datamodule import CocoDataModule
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.models.detector import P6Name, build_faster_rcnn, levels_above
from ssd_det.models.joint_model import JointModel
from ssd_det.models.refiner import Refiner, build_refiner
from ssd_det.models.settings import taken_by
from ssd_det.ops.device_values import copied_to
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.detections import Detections, check_detection, detect
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refiner_training import RefinerTraining, StepResult
from ssd_det.tasks.setting_ranges import check_range
from ssd_det.value_types import types_of_arguments

SIZES = ("shortest_side", "longest_side")


@dataclass(frozen=True)
class DetectionWeights:
    """Weights of the detector's four losses, by torchvision's names (the values are those of the paper's code).

    Args:
        loss_objectness: of the first stage's objects against background.
        loss_rpn_box_reg: of the first stage's boxes.
        loss_classifier: of the second stage's classes.
        loss_box_reg: of the second stage's boxes.
    """

    loss_objectness: float = 4.0
    loss_rpn_box_reg: float = 1.0
    loss_classifier: float = 4.0
    loss_box_reg: float = 4.0


class JointTask(RefinerTraining):
    """SSD-Det as published: the refiner, and a Faster R-CNN on its features that learns the refined boxes.

    Refining with a checkpoint of it takes the refiner alone, testing and predicting the detector alone. The detector
    resizes images as the data module of the training did.

    Args:
        anchor_sizes: one for each of the five pyramid levels, in pixels of the resized image; torchvision's
            where not given.
        candidates: of the detector's first stage on each pyramid level in training, before suppression; as many as
            ``proposals`` where not given.
        proposals: of the detector's first stage.
        rois_per_image: proposals that the detector's second stage learns from.
        aligned_pooling: pool the detector's proposals with half-pixel alignment, as the refiner does.
        p6: what makes P6: ``max_pool`` of P5, or a ``convolution`` of the network's highest map, as published.
        score_threshold: detections below it are dropped.
        nms_threshold: IoU above which the lower of two detections of a class is dropped.
        detections_per_image: at most.
        detection_weights: weights of the detector's four losses.
        settings: of the refiner, see :class:`ssd_det.tasks.refine.RefineTask`; ``feature_width`` and
            ``sampling_ratio`` are those of the detector, too.
    """

    NAME = "joint model"
    DATA = JointDataModule
    COMMANDS = frozenset({"fit", "refine_annotations", "validate", "test", "predict"})
    FREE = RefineTask.FREE | {
        "candidates",
        "proposals",
        "rois_per_image",
        "score_threshold",
        "nms_threshold",
        "detections_per_image",
        "detection_weights",
    }

    def __init__(
        self,
        anchor_sizes: Sequence[float] | None = None,
        candidates: int | None = 2000,
        proposals: int = 1000,
        rois_per_image: int = 512,
        aligned_pooling: bool = True,
        p6: P6Name = "convolution",
        score_threshold: float = 0.05,
        nms_threshold: float = 0.5,
        detections_per_image: int = 100,
        detection_weights: DetectionWeights = DetectionWeights(),
        **settings: Any,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["detection_weights", "loss_weights"])
        self.save_hyperparameters({"detection_weights": asdict(detection_weights), **_refiner_settings(**settings)})
        _check_detector(self.hparams)
        self.joint: JointModel | None = None

    def check_settings(self) -> None:
        """Make sure of the settings of refiner and detector.

        Raises:
            InputError: if one is out of range, or two do not go together.
        """
        RefineTask.from_settings(self.hparams)
        _check_detector(self.hparams)

    @classmethod
    def types_of_settings(cls) -> dict[str, Any]:
        """The types of the settings of refiner and detector, by name, and of the size of images."""
        return {**RefineTask.types_of_settings(), **types_of_arguments(cls), **dict.fromkeys(SIZES, int)}

    def setup(self, stage: str) -> None:
        """Take the class list from the data module, and for training the size of the images.

        A trained detector resizes images as in its training.

        Raises:
            InputError: if the data module belongs to another task, or the data has other classes.
        """
        super().setup(stage)
        if stage == "fit":
            self._take_sizes(self.trainer.datamodule)  # type: ignore[attr-defined]

    def take_data(self, datamodule: CocoDataModule) -> None:
        """Take the size of the images as well."""
        super().take_data(datamodule)
        self._take_sizes(datamodule)

    def _take_sizes(self, datamodule: CocoDataModule) -> None:
        self.hparams.update({name: getattr(datamodule, name) for name in SIZES})

    def configure_model(self) -> None:
        """Build the network for the class list."""
        if self.joint is not None:
            return
        num_classes = len(self.known_categories())
        refiner = build_refiner(self.hparams, num_classes, levels_above(self.hparams["p6"]))
        detector = build_faster_rcnn(
            refiner.backbone,
            num_classes,
            **{name: value for name, value in taken_by(build_faster_rcnn, self.hparams).items() if name != "backbone"},
        )
        self.joint = JointModel(refiner, detector)
        self.fit_sampler()

    @property
    def built_refiner(self) -> Refiner | None:
        """The refiner, once it has been built."""
        return self.joint.refiner if self.joint is not None else None

    def training_step(self, batch: RefineBatch, batch_index: int) -> StepResult:
        """Compute and log the losses; what the refiner found goes to the callbacks.

        The detector draws samples from the global generator: it is seeded by the images of the batch, so that a
        training that goes on from a checkpoint draws the same as one that was never stopped.
        """
        assert self.joint is not None
        draws = copied_to(batch.images.device, uniform_draws(batch.seeds, self.hparams["num_negatives"]))
        torch.manual_seed(sum(batch.seeds))
        output, detection = self.joint(batch.images, batch.objects, draws, batch.every, self.random_proposals(batch))
        weights = self.hparams["detection_weights"]
        terms = self.joint.refiner.head.losses(output, batch.objects)
        terms |= {name: weights[name] * value for name, value in detection.items()}
        return self.finish_step(terms, output, len(batch.images))

    def test_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> dict[str, Detections | FailedBatch]:
        """As :meth:`predict_step`, under the key ``detections``."""
        return {"detections": self.predict_step(batch, batch_index)}

    validation_step = test_step

    def predict_step(self, batch: DetectBatch | FailedBatch, batch_index: int) -> Detections | FailedBatch:
        """Detect objects; see :func:`ssd_det.tasks.detections.detect`."""
        assert self.joint is not None
        return detect(self.joint.detector, batch)


def _check_detector(settings: Mapping[str, Any]) -> None:
    """Make sure of the settings of the detector.

    Raises:
        InputError: if one is out of range.
    """
    check_detection(settings)
    check_range(0, settings, "detection_weights")


def _refiner_settings(**settings: Any) -> Mapping[str, Any]:
    """All settings of a refiner, with the defaults where none are given, checked.

    A function of its own, as ``save_hyperparameters`` goes up through all constructors that call each other.
    """
    return RefineTask(**settings).hparams
