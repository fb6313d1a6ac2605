"""Lightning's Trainer, which can refine an annotation file as well."""

from typing import cast

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from ssd_det.callbacks.detections import DetectionMetrics
from ssd_det.data.batch import FailedBatch
from ssd_det.data.coco import read_coco
from ssd_det.data.datamodule import RefineDataModule
from ssd_det.data.joint_datamodule import JointDataModule
from ssd_det.data.refined import Refinement, Summary, refined_content
from ssd_det.data.writing import check_output, write_json
from ssd_det.distributed import gather_by_id
from ssd_det.errors import InputError
from ssd_det.report.tables import print_summary
from ssd_det.report.tracking import track_refined
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask


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
    ) -> Summary:
        """Write an annotation file with refined boxes.

        Args:
            model: takes its architecture, classes and weights from the checkpoint.
            datamodule: the annotation file and its images.
            checkpoint: made by ``fit``, of the refiner or of a joint model.
            output: the COCO json file to write.
            overwrite: allow the output to exist, or to be the input.
            skip_missing_images: let annotations of missing images pass through.
            average_over_flip: refine mirrored images as well, and average.

        Returns:
            What was changed.

        Raises:
            InputError: if an input cannot be used or the output cannot be written.
        """
        if isinstance(model, JointTask) and isinstance(datamodule, JointDataModule):
            model, datamodule = model.for_refining(), datamodule.for_refining()
        model.check_data(datamodule)
        datamodule = cast(RefineDataModule, datamodule)
        path = check_output(output, datamodule.annotations, [checkpoint], overwrite)
        datamodule.skip_missing_images = skip_missing_images
        model.restore(checkpoint)
        model.check_categories(datamodule.categories, datamodule.annotations)
        model.average_over_flip = average_over_flip
        refinements: dict[int, Refinement] = {}
        failures: list[str] = []
        # The configuration of a joint model has metrics for test and predict; here nothing is detected.
        callbacks = cast("list[Callback]", self.callbacks)  # type: ignore[attr-defined]
        everyone = list(callbacks)
        callbacks[:] = [callback for callback in everyone if not isinstance(callback, DetectionMetrics)]
        predictions = cast("list[dict[str, Tensor] | FailedBatch]", self.predict(model, datamodule=datamodule) or [])
        callbacks[:] = everyone
        for found in predictions:
            if isinstance(found, FailedBatch):
                failures.append(found.sentence)
                continue
            values = (found[name].tolist() for name in ("annotation_ids", "boxes", "scores"))
            for key, box, score in zip(*values, strict=True):
                refinements[key] = Refinement(tuple(box), score)
        for sentences in gather_by_id({self.global_rank: failures}).values():
            if sentences:
                raise InputError(sentences[0])
        content, summary = refined_content(datamodule.coco, gather_by_id(refinements), datamodule.paths)
        if self.is_global_zero:
            write_json(path, content)
            print_summary(summary, path)
            for logger in self.loggers:
                if isinstance(logger, WandbLogger):
                    track_refined(logger, read_coco(path), datamodule.paths, path)
        self.strategy.barrier()
        return summary
