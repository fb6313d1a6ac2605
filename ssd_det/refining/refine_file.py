"""Refining the boxes of an annotation file: one pass over it, or a pass and what rehearsals tell of its boxes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.edits.refined import Refinement
from ssd_det.batches.augmentation import Pixels
from ssd_det.batches.batch import FailedBatch
from ssd_det.batches.dataset import read_image
from ssd_det.batches.file_to_refine import FileToRefine
from ssd_det.distributed import gather
from ssd_det.errors import InputError
from ssd_det.models.signals import SIGNALS
from ssd_det.models.views import View
from ssd_det.ops.box_types import Xywh, as_xyxy, to_xywh
from ssd_det.ops.boxes import corners
from ssd_det.ops.drift import Drift, measure_drift, without_drift
from ssd_det.ops.noise_level import no_statistics, noise_level
from ssd_det.refining.refined_boxes import RefinedBoxes, no_boxes
from ssd_det.refining.rehearsal import Calibration, FileObjects, calibrate
from ssd_det.tasks.refine_pass import RefinedBatch, RefinePass, TrainedRefiner

PREDICTED_IOU = SIGNALS.index("predicted_iou")


@dataclass(frozen=True)
class RefinedFile:
    """What was found for an annotation file.

    Attributes:
        refinements: box and score of each annotation that was refined, by id.
        noise_level: of the boxes of the file, as one pass tells it; ``None`` for fewer than 20 objects.
        calibration: what rehearsals have shown; ``None`` where there were none, and scores are predicted IoUs.
    """

    refinements: dict[int, Refinement]
    noise_level: float | None
    calibration: Calibration | None


def refine_file(
    trainer: Trainer,
    refiners: Sequence[TrainedRefiner],
    data: FileToRefine,
    views: Sequence[View],
    calibration_images: int,
    seed: int,
) -> RefinedFile:
    """Refine the boxes of a file, and learn how sure they are; the same on every process of the trainer.

    Args:
        trainer: runs the passes; any of Lightning's.
        refiners: boxes are averaged over them; at least one.
        data: the file.
        views: how each image is seen; boxes are averaged over them.
        calibration_images: learn the scores on so many images, which are refined again; 0 for not at all.
        seed: decides which, and the noise that is put on their boxes.

    Raises:
        InputError: if an image cannot be read.
    """
    refined = refine_pass(trainer, refiners, data, views)
    calibration = None
    if refined.noise_level is not None:
        image_of = {annotation.id: annotation.image_id for annotation in data.coco.annotations}
        drift = _drift(data.coco, refined, refined.noise_level)
        refined = _without(drift, refined, data.coco, image_of)
    if calibration_images and refined.noise_level is not None:

        def refine_again(annotation_ids: Sequence[int], boxes: Tensor) -> RefinedBoxes:
            replaced = {key: to_xywh(as_xyxy(box)) for key, box in zip(annotation_ids, boxes.tolist(), strict=True)}
            return _without(drift, refine_pass(trainer, refiners, data, views, replaced), data.coco, image_of)

        objects = _usable_objects(data.coco, refined)

        def read(image_id: int) -> Pixels:
            return read_image(data.paths[image_id], data.coco.image_by_id[image_id])

        calibration = calibrate(objects, refined.noise_level, refine_again, read, calibration_images, seed)
    scores = _scores(refined, calibration)
    rows = zip(refined.annotation_ids.tolist(), refined.boxes.tolist(), scores, strict=True)
    refinements = {key: Refinement(as_xyxy(box), score) for key, box, score in rows}
    return RefinedFile(refinements, refined.noise_level, calibration)


def refine_pass(
    trainer: Trainer,
    refiners: Sequence[TrainedRefiner],
    data: FileToRefine,
    views: Sequence[View],
    boxes: Mapping[int, Xywh] | None = None,
) -> RefinedBoxes:
    """Refine the boxes of a file once; the same on every process of the trainer.

    Args:
        trainer: runs the pass; any of Lightning's.
        refiners: boxes are averaged over them; at least one.
        data: the file.
        views: how each image is seen; boxes are averaged over them.
        boxes: by annotation id, to be refined in place of those of the file.

    Raises:
        InputError: if an image cannot be read.
    """
    predictions = trainer.predict(RefinePass(refiners, views), dataloaders=data.loader(trainer.world_size, boxes))
    batches = cast("list[RefinedBatch | FailedBatch]", predictions or [])
    for failures in gather([batch.sentence for batch in batches if isinstance(batch, FailedBatch)]):
        if failures:
            raise InputError(failures[0])
    return _joined([part for parts in gather(batches) for part in parts if isinstance(part, RefinedBatch)])


def _joined(batches: Sequence[RefinedBatch]) -> RefinedBoxes:
    """All batches as one table.

    Raises:
        RuntimeError: if an annotation is in two of them.
    """
    if not batches:
        return no_boxes()
    annotation_ids, order = torch.cat([batch.annotation_ids for batch in batches]).sort()
    if (annotation_ids[1:] == annotation_ids[:-1]).any():
        raise RuntimeError("Two processes refined the same annotation: each must get its own share of the data.")
    unseen = noise_level(sum((batch.unseen_statistics.cpu() for batch in batches), no_statistics()))
    overall = noise_level(sum((batch.statistics.cpu() for batch in batches), no_statistics()))
    return RefinedBoxes(
        annotation_ids=annotation_ids,
        boxes=torch.cat([batch.boxes for batch in batches])[order].double(),
        unseen_boxes=torch.cat([batch.unseen_boxes for batch in batches])[order].double(),
        signals=torch.cat([batch.signals for batch in batches])[order].double(),
        # Where images were trained on, boxes follow some of their noise, which makes it look smaller.
        noise_level=overall if unseen is None else unseen,
    )


def _drift(coco: CocoFile, refined: RefinedBoxes, noise_level: float) -> Drift:
    """What the refined boxes of a file have in common that is wrong."""
    objects = _usable_objects(coco, refined)
    return measure_drift(objects.noisy, objects.refined, objects.image_sizes, noise_level)


def _without(drift: Drift, refined: RefinedBoxes, coco: CocoFile, image_of: Mapping[int, int]) -> RefinedBoxes:
    """Refined boxes without their drift; ``image_of`` has the image of each annotation, by ids."""
    sizes = _image_sizes(coco, [image_of[key] for key in refined.annotation_ids.tolist()])
    boxes, unseen = (without_drift(boxes, drift, sizes) for boxes in (refined.boxes, refined.unseen_boxes))
    return replace(refined, boxes=boxes, unseen_boxes=unseen)


def _image_sizes(coco: CocoFile, image_ids: Sequence[int]) -> Tensor:
    """(height, width) of images, ``Tensor[N, 2]``, float64."""
    sizes = [(coco.image_by_id[key].height, coco.image_by_id[key].width) for key in image_ids]
    return torch.tensor(sizes, dtype=torch.float64).reshape(-1, 2)


def _usable_objects(coco: CocoFile, refined: RefinedBoxes) -> FileObjects:
    """The objects of a file whose refined boxes have an area, in the file's order."""
    rows = refined.rows_of([annotation.id for annotation in coco.annotations])
    usable = [annotation for annotation, row in zip(coco.annotations, rows.tolist(), strict=True) if row >= 0]
    rows = rows[rows >= 0]
    return FileObjects(
        annotation_ids=[annotation.id for annotation in usable],
        image_ids=[annotation.image_id for annotation in usable],
        image_sizes=_image_sizes(coco, [annotation.image_id for annotation in usable]),
        noisy=corners([annotation.bbox for annotation in usable]),
        refined=refined.boxes[rows],
        unseen=refined.unseen_boxes[rows],
        signals=refined.signals[rows],
    )


def _scores(refined: RefinedBoxes, calibration: Calibration | None) -> list[float]:
    """The score of each row: the learnt probability, 0 for boxes without area; or the predicted IoU."""
    if calibration is None:
        predicted: list[float] = refined.signals[:, PREDICTED_IOU].tolist()
        return predicted
    return [calibration.scores.get(key, 0.0) for key in refined.annotation_ids.tolist()]
