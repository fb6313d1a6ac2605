"""What the tasks with a detector share: the ranges of its settings, and its detections as COCO results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from ssd_det.annotations.coco import Category
from ssd_det.annotations.json_files import JsonObject
from ssd_det.batches.batch import DetectBatch, FailedBatch
from ssd_det.errors import InputError
from ssd_det.ops.box_types import to_xywh
from ssd_det.tasks.base import check_range

COORDINATE_DIGITS = 3
SCORE_DIGITS = 5


@dataclass  # not frozen: Lightning moves predictions to the CPU field by field
class Detections:
    """What a detector found in a batch.

    Attributes:
        by_image: COCO results by image id, with ``image_id``, ``category_id``, ``bbox`` (xywh in pixels of the original
            image) and ``score``.
        failures: why images could not be read.
    """

    by_image: dict[int, list[JsonObject]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)


def check_detection(settings: Mapping[str, Any]) -> None:
    """Make sure of the settings of a detector.

    Raises:
        InputError: if one is out of range.
    """
    candidates = [] if settings["candidates"] is None else ["candidates"]
    check_range(1, settings, "proposals", "rois_per_image", "detections_per_image", *candidates)
    check_range(0, settings, "sampling_ratio")
    for name in ("score_threshold", "nms_threshold"):
        if not 0 <= settings[name] <= 1:
            raise InputError(f"model.{name} is {settings[name]}: give a number from 0 to 1.")


def detect(detector: nn.Module, batch: DetectBatch | FailedBatch, categories: Sequence[Category]) -> Detections:
    """Detect the objects of a batch.

    Args:
        detector: one of torchvision's, in evaluation mode.
        batch: images in their own size.
        categories: the classes in the order of the labels.
    """
    if isinstance(batch, FailedBatch):
        return Detections(failures=[batch.sentence])
    detections: list[dict[str, Tensor]] = detector(batch.images)
    pairs = zip(batch.image_ids, detections, strict=True)
    return Detections({key: coco_results(key, detected, categories) for key, detected in pairs})


def coco_results(image_id: int, detections: Mapping[str, Tensor], categories: Sequence[Category]) -> list[JsonObject]:
    """The detections of an image as COCO results.

    Args:
        image_id: of the annotation file.
        detections: ``boxes`` ``Tensor[N, 4]``, xyxy in pixels, ``labels`` ``LongTensor[N]``, of which 0 is no object,
            and ``scores`` ``Tensor[N]``.
        categories: the classes; label 1 is the first.
    """
    boxes, labels, scores = (detections[name].tolist() for name in ("boxes", "labels", "scores"))
    return [
        {
            "image_id": image_id,
            "category_id": categories[label - 1].id,
            "bbox": [round(value, COORDINATE_DIGITS) for value in to_xywh(box)],
            "score": round(score, SCORE_DIGITS),
        }
        for box, label, score in zip(boxes, labels, scores, strict=True)
        if label > 0
    ]
