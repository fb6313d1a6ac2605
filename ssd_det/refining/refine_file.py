"""Refining the boxes of an annotation file: a pass over it, and what rehearsals tell of its boxes.

All processes of the trainer take part in the passes. What they find goes to the first alone, which decides on all else.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import TypeVar

import torch
from lightning.pytorch import Trainer
from torch import Tensor

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.untrusted import as_untrusted
from ssd_det.batches.augmentation import Pixels
from ssd_det.batches.batch import FailedBatch
from ssd_det.batches.file_to_refine import FileToRefine
from ssd_det.batches.image_reading import read_image
from ssd_det.distributed import led_by_first
from ssd_det.memory import give_back
from ssd_det.models.signals import SIGNALS
from ssd_det.models.views import View
from ssd_det.ops.box_types import Xywh, as_xyxy, to_xywh
from ssd_det.ops.boxes import corners
from ssd_det.ops.drift import Drift, measure_drift, without_drift
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.refined_boxes import OfAnnotations, RefinedBoxes, Refinements, joined, share_of
from ssd_det.refining.rehearsal import Calibration, calibrate, images_to_rehearse
from ssd_det.refining.rest_correction import RestGain, without_rest
from ssd_det.refining.second_pass import means_of_two_passes
from ssd_det.refining.truth import with_truth
from ssd_det.tasks.kept_features import KeptFeatures
from ssd_det.tasks.refine_pass import RefinedBatch, RefinePass, TrainedRefiner

PREDICTED_IOU = SIGNALS.index("predicted_iou")

NewBoxes = Mapping[int, Xywh] | None  # by annotation id, to be refined in place of those of the file
Result = TypeVar("Result")


@dataclass(frozen=True)
class RefinedFile:
    """What was found for an annotation file.

    Attributes:
        refinements: box and score of each annotation that was refined, by id.
        noise_level: of the boxes of the file, as one pass tells it; ``None`` for fewer than 20 objects.
        calibration: what rehearsals have shown; ``None`` where there were none, and scores are predicted IoUs.
        rest: what trusted boxes have improved; ``None`` where they did not.
    """

    refinements: Refinements
    noise_level: float | None
    calibration: Calibration | None
    rest: RestGain | None = None


def refine_file(
    trainer: Trainer,
    refiners: Sequence[TrainedRefiner],
    data: FileToRefine,
    views: Sequence[View],
    calibration_images: int,
    seed: int,
    conclude: Callable[[RefinedFile], Result],
) -> Result:
    """Refine the boxes of a file, and learn how sure they are.

    Args:
        trainer: runs the passes; any of Lightning's.
        refiners: boxes are averaged over them; at least one.
        data: the file.
        views: how each image is seen; boxes are averaged over them.
        calibration_images: learn the scores on so many images, which are refined again; 0 for not at all.
        seed: decides which, and the noise that is put on their boxes.
        conclude: is called with what was found, on the first process alone.

    Returns:
        What ``conclude`` returned, on every process.

    Raises:
        InputError: on every process, if an image cannot be read on any, or ``conclude`` raises it.

    Trusted boxes are taken for what they would be, had nobody checked them, as far as that is known; all boxes and the
    scores learn from what becomes of them.
    """
    unchecked, trusted = as_untrusted(data.coco)
    data = replace(data, coco=unchecked)

    kept = _kept_features(data, calibration_images, seed, trainer.world_size // trainer.num_nodes)

    def predict(boxes: NewBoxes) -> list[RefinedBatch | FailedBatch]:
        refining = RefinePass(refiners, views, kept)
        loader = data.loader(trainer.world_size, boxes)
        trainer.predict(refining, dataloaders=loader, return_predictions=False)
        return refining.take_found()

    plain = [predict(None)]  # Lightning starts the other processes now, if nobody else has

    def work(boxes: NewBoxes) -> RefinedBatch:
        return share_of(plain.pop() if boxes is None else predict(boxes))

    def lead(on_all: Callable[[NewBoxes], list[RefinedBatch]]) -> Result:
        def refine(boxes: NewBoxes) -> RefinedBoxes:
            refined = joined(on_all(boxes))
            give_back()
            return refined

        refined = _judge(refine, data, trusted, calibration_images, seed)
        if kept is not None:
            kept.drop()
        return conclude(refined)

    return led_by_first(lead, work)


def _kept_features(data: FileToRefine, calibration_images: int, seed: int, processes: int) -> KeptFeatures | None:
    """Features of the images that rehearsals will be on; nothing where there are none."""
    if not calibration_images:
        return None
    coco, there = data.coco, data.paths.keys() - data.passed_over.keys()
    image_ids = [a.image_id for a in coco.annotations if a.image_id in there and coco.why_unusable(a) is None]
    return KeptFeatures(images_to_rehearse(image_ids, calibration_images, seed).tolist(), processes)


def _judge(
    refine: Callable[[NewBoxes], RefinedBoxes],
    data: FileToRefine,
    trusted: Mapping[int, Xywh],
    calibration_images: int,
    seed: int,
) -> RefinedFile:
    """Refine the boxes of a file with a function that does a pass, and learn how sure they are.

    Args:
        refine: does a pass over the file.
        data: the file.
        trusted: what boxes of it should be, by annotation id.
        calibration_images: see :func:`refine_file`.
        seed: see :func:`refine_file`.
    """
    refined = refine(None)
    level = refined.noise_level
    if level is None:
        return RefinedFile(Refinements(refined.annotation_ids, refined.boxes, _predicted_ious(refined)), None, None)
    facts = OfAnnotations.of_file(data.coco)
    drift = _drift(data.coco, refined, facts, level)
    refined = _without(drift, refined, facts)
    ids, boxes, scores = refined.annotation_ids, refined.boxes, _predicted_ious(refined)
    if not calibration_images:
        return RefinedFile(Refinements(ids, boxes, scores), level, None)

    def refine_again(annotation_ids: Sequence[int], boxes: Tensor) -> RefinedBoxes:
        replaced = {key: to_xywh(as_xyxy(box)) for key, box in zip(annotation_ids, boxes.tolist(), strict=True)}
        return _without(drift, refine(replaced), facts)

    def read(image_id: int) -> Pixels:
        return read_image(data.paths[image_id], data.coco.image_by_id[image_id])

    usable, rows = _usable(data.coco, refined)
    own = facts.of(ids[rows])
    objects = _objects(usable, rows, refined, own)
    del refined  # of millions of objects, two tables are much
    calibration = calibrate(objects, level, refine_again, read, calibration_images, seed)
    rest = None
    if calibration is not None:
        if calibration.passes > 1:
            means = means_of_two_passes(objects.annotation_ids, objects.refined, objects.unseen, refine_again)
            objects = replace(objects, refined=means.boxes, unseen=means.unseen)
        if calibration.blend is not None:
            objects = objects.blended(calibration.blend)
        objects, rest = without_rest(objects, torch.tensor([a.category_id for a in usable]), trusted)
        boxes = boxes.index_copy(0, rows, objects.refined)
        calibration = with_truth(calibration, objects, trusted)
        scores = torch.zeros(len(ids), dtype=torch.float64)
        scores[rows] = calibration.scores
    return RefinedFile(Refinements(ids, boxes, scores), level, calibration, rest)


def _drift(coco: CocoFile, refined: RefinedBoxes, facts: OfAnnotations, noise_level: float) -> Drift:
    """What the refined boxes of a file have in common that is wrong."""
    usable, rows = _usable(coco, refined)
    noisy = corners([annotation.bbox for annotation in usable])
    own = facts.of(refined.annotation_ids[rows])
    return measure_drift(noisy, refined.boxes[rows], own.image_sizes, own.categories, own.images, noise_level)


def _without(drift: Drift, refined: RefinedBoxes, facts: OfAnnotations) -> RefinedBoxes:
    """Refined boxes without their drift."""
    own = facts.of(refined.annotation_ids)
    return refined.changed(lambda boxes: without_drift(boxes, drift, own.image_sizes, own.categories, own.images))


def _usable(coco: CocoFile, refined: RefinedBoxes) -> tuple[list[Annotation], Tensor]:
    """The annotations of a file whose refined boxes have an area, in its order, and their rows, ``LongTensor[N]``."""
    rows = refined.rows_of([annotation.id for annotation in coco.annotations])
    there = rows >= 0
    return list(compress(coco.annotations, there.tolist())), rows[there]


def _objects(usable: Sequence[Annotation], rows: Tensor, refined: RefinedBoxes, facts: OfAnnotations) -> FileObjects:
    """What is known of the objects that :func:`_usable` found; the facts are theirs."""
    in_order = torch.equal(rows, torch.arange(len(refined.annotation_ids)))  # then nothing is copied
    chosen = slice(None) if in_order else rows
    refined = refined.changed(lambda boxes: boxes[chosen])
    return FileObjects(
        annotation_ids=[annotation.id for annotation in usable],
        image_ids=[annotation.image_id for annotation in usable],
        image_sizes=facts.image_sizes,
        noisy=corners([annotation.bbox for annotation in usable]),
        refined=refined.boxes,
        unseen=refined.unseen_boxes,
        signals=refined.signals[chosen],
    )


def _predicted_ious(refined: RefinedBoxes) -> Tensor:
    """The score of each row where none is learnt, ``Tensor[N]``."""
    return refined.signals[:, PREDICTED_IOU].clone()
