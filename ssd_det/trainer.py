"""Lightning's Trainer, which can refine an annotation file as well."""

from collections.abc import Mapping, Sequence
from typing import cast

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.refined import Guard, Refinement, RefineSummary, refined_content
from ssd_det.annotations.formats.destination import check_destination, save_annotations
from ssd_det.batches.batch import FailedBatch
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.callbacks.detection_metrics import DetectionMetrics
from ssd_det.distributed import gather_by_id
from ssd_det.errors import InputError
from ssd_det.models.views import make_views
from ssd_det.ops.box_types import Xyxy, as_xyxy, to_xywh
from ssd_det.ops.boxes import corners
from ssd_det.ops.noise_level import no_statistics, noise_level
from ssd_det.refining.rehearsal import Calibration, Found, Objects, calibrate, has_area
from ssd_det.report.folder_messages import print_folder
from ssd_det.report.screen_tables import print_calibration, print_summary
from ssd_det.report.tracking import track_refined
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask

SMALLEST_SCALE, LARGEST_SCALE = 0.25, 4.0  # beyond them there is nothing to be seen, or no memory for it


class SSDDetTrainer(Trainer):
    """A Trainer with one more method."""

    def refine_annotations(
        self,
        model: RefineTask,
        datamodule: RefineDataModule | JointDataModule,
        checkpoint: str,
        output: str,
        overwrite: bool = False,
        skip_missing_images: bool = False,
        average_over_flip: bool = False,
        average_over_scales: Sequence[float] = (),
        min_score: float | None = None,
        max_shift: float | None = None,
        calibration_images: int = 500,
    ) -> RefineSummary:
        """Write an annotation file with refined boxes.

        Args:
            model: takes its architecture, classes and weights from the checkpoint.
            datamodule: the annotation file and its images.
            checkpoint: made by ``fit``, of the refiner or of a joint model.
            output: what to write, in the format of the input: a COCO json file, or a folder, which gets a refined.json
                beside it. A name that ends in .json is a COCO json file for any input.
            overwrite: allow the output to exist, or to be the input.
            skip_missing_images: let annotations of missing images pass through.
            average_over_flip: refine mirrored images as well, and average.
            average_over_scales: refine images scaled by these factors as well, and average.
            min_score: keep the box of an annotation whose refine_score, the probability that the refined box is
                closer to the truth, is below it; told from the data where not given, 0 to take every refined box.
            max_shift: keep the box of an annotation if a side of it would move by more than this share of the
                box's width or height.
            calibration_images: learn the probabilities on so many images, which are refined again; 0 for
                not at all: then refine_score is the IoU that the refiner predicts, and no min_score is made up.

        Returns:
            What was changed.

        Raises:
            InputError: if an input cannot be used or the output cannot be written.
        """
        guard = Guard(min_score, max_shift)
        if calibration_images < 0:
            raise InputError(f"calibration_images is {calibration_images}: give a number from 0 up.")
        if not all(SMALLEST_SCALE <= scale <= LARGEST_SCALE for scale in average_over_scales):
            raise InputError(
                f"average_over_scales is {list(average_over_scales)}: "
                f"give numbers from {SMALLEST_SCALE} to {LARGEST_SCALE}."
            )
        if isinstance(model, JointTask) and isinstance(datamodule, JointDataModule):
            model, datamodule = model.for_refining(), datamodule.for_refining()
        model.check_data(datamodule)
        datamodule = cast(RefineDataModule, datamodule)
        destination = check_destination(output, datamodule.annotations, [checkpoint], overwrite)
        datamodule.skip_missing_images = skip_missing_images
        model.restore(checkpoint)
        model.check_categories(datamodule.categories, datamodule.annotations)
        model.views = make_views(average_over_flip, average_over_scales)
        found, statistics = self._refine(model, datamodule)
        level = noise_level(statistics)
        calibration = None
        if calibration_images and level is not None:
            calibration = self._calibrate(model, datamodule, found, level, calibration_images)
        scores = {key: entry.predicted_iou for key, entry in found.items()}
        if calibration is not None:
            scores = calibration.scores
            guard = guard.with_default(calibration.min_score)
        refinements = {key: Refinement(entry.box, scores.get(key, 0.0)) for key, entry in found.items()}
        content, summary = refined_content(datamodule.coco, refinements, datamodule.passed_over, guard)
        if self.is_global_zero:
            kept = save_annotations(datamodule.coco, content, destination)
            print_calibration(level, calibration)
            print_summary(summary, destination.path)
            if destination.folder:
                print_folder(destination.json, kept)
            for logger in self.loggers:
                if isinstance(logger, WandbLogger):
                    track_refined(logger, read_coco(destination.json), datamodule.paths, destination.json)
        self.strategy.barrier()
        return summary

    def _refine(self, model: RefineTask, datamodule: RefineDataModule) -> tuple[dict[int, Found], Tensor]:
        """Refine what the data module has, all processes together.

        Returns:
            What was found, by annotation id, and what tells the noise level, ``Tensor[5, 2]``; on every process.
        """
        # The configuration of a joint model has metrics for test and predict; here nothing is detected.
        callbacks = cast("list[Callback]", self.callbacks)  # type: ignore[attr-defined]
        everyone = list(callbacks)
        callbacks[:] = [callback for callback in everyone if not isinstance(callback, DetectionMetrics)]
        predictions = cast("list[dict[str, Tensor] | FailedBatch]", self.predict(model, datamodule=datamodule) or [])
        callbacks[:] = everyone
        found: dict[int, Found] = {}
        failures: list[str] = []
        statistics = no_statistics()
        for batch in predictions:
            if isinstance(batch, FailedBatch):
                failures.append(batch.sentence)
                continue
            values = (batch[name].tolist() for name in ("annotation_ids", "boxes", "signals"))
            for key, box, signals in zip(*values, strict=True):
                found[key] = Found(as_xyxy(box), signals)
            statistics += batch["statistics"].cpu()
        for sentences in gather_by_id({self.global_rank: failures}).values():
            if sentences:
                raise InputError(sentences[0])
        parts = gather_by_id({self.global_rank: statistics})
        return gather_by_id(found), torch.stack(list(parts.values())).sum(dim=0)

    def _calibrate(
        self,
        model: RefineTask,
        datamodule: RefineDataModule,
        found: Mapping[int, Found],
        estimated_level: float,
        images: int,
    ) -> Calibration | None:
        """Rehearse on the refined boxes; the same on every process."""

        def refine_again(boxes: Mapping[int, Xyxy]) -> tuple[Mapping[int, Found], float | None]:
            datamodule.other_boxes = {key: to_xywh(box) for key, box in boxes.items()}
            again, statistics = self._refine(model, datamodule)
            datamodule.other_boxes = None
            return again, noise_level(statistics)

        coco = datamodule.coco
        chosen = [a for a in coco.annotations if a.id in found and has_area(found[a.id].box)]
        entries = [found[annotation.id] for annotation in chosen]
        sizes = [(coco.image_by_id[a.image_id].height, coco.image_by_id[a.image_id].width) for a in chosen]
        objects = Objects(
            ids=[annotation.id for annotation in chosen],
            image_ids=[annotation.image_id for annotation in chosen],
            image_sizes=torch.tensor(sizes, dtype=torch.float64).reshape(-1, 2),
            noisy=corners([annotation.bbox for annotation in chosen]),
            refined=torch.tensor([entry.box for entry in entries], dtype=torch.float64).reshape(-1, 4),
            signals=torch.tensor([entry.signals for entry in entries], dtype=torch.float64),
        )
        return calibrate(objects, estimated_level, refine_again, images, datamodule.seed)
