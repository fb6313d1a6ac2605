"""What the tasks with a detector share: the ranges of its settings, and its detections as COCO results."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from ssd_det.annotations.coco import Category
from ssd_det.annotations.json_files import JsonObject
from ssd_det.batches.batch import DetectBatch, FailedBatch
from ssd_det.errors import InputError
from ssd_det.ops.box_types import to_xywh
from ssd_det.tasks.setting_ranges import check_finite, check_range

COORDINATE_DIGITS = 3
SCORE_DIGITS = 5
NOTHING = ((0, torch.long), (0, torch.long), ((0, 4), torch.float32), (0, torch.long), (0, torch.float32))


@dataclass  # not frozen: Lightning moves predictions to the CPU field by field
class Detections:
    """What a detector found in some images, image after image.

    Attributes:
        image_ids: ``LongTensor[B]``.
        counts: ``LongTensor[B]``, detections of each image.
        boxes: ``Tensor[N, 4]``, xyxy in pixels of the original images.
        labels: ``LongTensor[N]``; 0 is no object.
        scores: ``Tensor[N]``.
    """

    image_ids: Tensor
    counts: Tensor
    boxes: Tensor
    labels: Tensor
    scores: Tensor

    def cpu(self) -> "Detections":
        """The same in the memory of the processor."""
        return Detections(*(getattr(self, field.name).cpu() for field in fields(self)))

    def by_image(self) -> dict[int, dict[str, Tensor]]:
        """``boxes``, ``labels`` and ``scores`` of each image, by ascending ids.

        An image that is there twice counts once: samplers repeat some to give each process as many.
        """
        split = [getattr(self, name).split(self.counts.tolist()) for name in ("boxes", "labels", "scores")]
        parts = zip(self.image_ids.tolist(), *split, strict=True)
        found = {key: {"boxes": boxes, "labels": labels, "scores": scores} for key, boxes, labels, scores in parts}
        return dict(sorted(found.items()))


def joined_detections(parts: Sequence[Detections]) -> Detections:
    """Several detections as one."""
    none = Detections(*(torch.zeros(size, dtype=kind) for size, kind in NOTHING))
    names = [field.name for field in fields(none)]
    return Detections(*(torch.cat([getattr(part, name) for part in (none, *parts)]) for name in names))


def check_detection(settings: Mapping[str, Any]) -> None:
    """Make sure of the settings of a detector.

    Raises:
        InputError: if one is out of range.
    """
    check_finite(settings)
    candidates = [] if settings["candidates"] is None else ["candidates"]
    check_range(1, settings, "proposals", "rois_per_image", "detections_per_image", *candidates)
    check_range(0, settings, "sampling_ratio")
    for name in ("score_threshold", "nms_threshold"):
        if not 0 <= settings[name] <= 1:
            raise InputError(f"model.{name} is {settings[name]}: give a number from 0 to 1.")


def detect(detector: nn.Module, batch: DetectBatch | FailedBatch) -> Detections | FailedBatch:
    """Detect the objects of a batch; one that could not be read is handed on.

    Args:
        detector: one of torchvision's, in evaluation mode.
        batch: images in their own size.
    """
    if isinstance(batch, FailedBatch):
        return batch
    found: list[dict[str, Tensor]] = detector(batch.images)
    boxes, labels, scores = (torch.cat([one[name] for one in found]) for name in ("boxes", "labels", "scores"))
    counts = torch.tensor([len(one["boxes"]) for one in found])
    return Detections(torch.tensor(batch.image_ids), counts, boxes, labels, scores)


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
