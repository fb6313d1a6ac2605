"""What a detector found: written as COCO results, and measured against true boxes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import make_folder, write_json
from ssd_det.console import say
from ssd_det.distributed import gather, gather_by_id
from ssd_det.errors import InputError
from ssd_det.report.detector_quality import NAMES, DetectorMetrics, average_precision
from ssd_det.report.screen_tables import print_per_class
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.detections import Detections
from ssd_det.tasks.joint import JointTask

LOGGED = (*NAMES, "voc_ap_50")


class DetectionMetrics(Callback):
    """Write and measure what a detector found.

    ``predict`` writes ``predictions.json``, COCO results; ``test`` writes ``metrics.json`` as well and logs
    ``ap``, ``ap_50``, ``ap_75``, ``ap_small``, ``ap_medium``, ``ap_large`` and ``voc_ap_50``. The figures are
    computed once, at the end, from the detections of all processes, by image id. The files go to the folder of
    the logs. Where ``data.val_annotations`` is given, ``fit`` after each epoch and ``validate`` log the same figures as
    ``validation_ap`` and so on, and write no files.

    Args:
        per_class: measure each class as well.
    """

    def __init__(self, per_class: bool = False) -> None:
        self.per_class = per_class
        self.detections = Detections()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.detections = Detections()

    on_validation_start = on_predict_start = on_test_start

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep what was found, if it is a detector that is validated."""
        if isinstance(pl_module, DetectTask | JointTask):
            self._keep(outputs["detections"])

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep what was found."""
        self._keep(outputs["detections"])

    def on_predict_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep what was found, if it is a detector that predicts."""
        if isinstance(outputs, Detections):
            self._keep(outputs)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Measure what a detector found and log the figures, unless only some images were tried.

        Raises:
            InputError: as :meth:`on_test_epoch_end`.
        """
        tried = trainer.sanity_checking or trainer.fast_dev_run  # type: ignore[attr-defined]
        if tried or not isinstance(pl_module, DetectTask | JointTask):
            return
        coco = trainer.datamodule.coco_for("validate")  # type: ignore[attr-defined]
        results = self._gather(coco)
        measured = average_precision(coco, results) if trainer.is_global_zero else None
        _log(trainer, pl_module, measured, "validation_")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, measure it and log the figures.

        Raises:
            InputError: if an image could not be read on any process, or images were left out.
        """
        coco = trainer.datamodule.coco_for("test")  # type: ignore[attr-defined]
        results, folder = self._gather(coco), _folder(trainer)
        measured = None
        if trainer.is_global_zero:
            measured = average_precision(coco, results, self.per_class)
            make_folder(folder)
            write_json(folder / "predictions.json", results)
            write_json(folder / "metrics.json", measured.to_json())
            if measured.by_category is not None:
                print_per_class(measured.by_category)
            self._say(folder / "metrics.json", results)
        _log(trainer, pl_module, measured)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, if it is a detector that predicts.

        Raises:
            InputError: if an image could not be read on any process.
        """
        if not isinstance(pl_module, DetectTask | JointTask):
            return
        results = self._gather(trainer.datamodule.coco_for("predict"))  # type: ignore[attr-defined]
        path = _folder(trainer) / "predictions.json"
        if trainer.is_global_zero:
            make_folder(path.parent)
            write_json(path, results)
            self._say(path, results)

    def _keep(self, detections: Detections) -> None:
        self.detections.by_image.update(detections.by_image)
        self.detections.failures.extend(detections.failures)

    def _say(self, path: Path, results: Sequence[JsonObject]) -> None:
        say(f"{path}: {len(results)} detections in {len(self.detections.by_image)} images.")

    def _gather(self, coco: CocoFile) -> list[JsonObject]:
        """The detections of all processes in the images of a file, in the order of the image ids."""
        for failures in gather(self.detections.failures):
            if failures:
                raise InputError(failures[0])
        found = gather_by_id(self.detections.by_image)
        self.detections = Detections(found)
        if len(found) < len(coco.images):
            raise InputError(
                f"Only {len(found)} of {len(coco.images)} images were processed: leave out trainer.fast_dev_run, "
                f"trainer.limit_val_batches, trainer.limit_test_batches and trainer.limit_predict_batches."
            )
        return [result for results in found.values() for result in results]


def _folder(trainer: Trainer) -> Path:
    """The folder to write to; to be asked for on every process, as the first tells the others."""
    return Path(trainer.log_dir or trainer.default_root_dir)


def _log(trainer: Trainer, pl_module: LightningModule, measured: DetectorMetrics | None, prefix: str = "") -> None:
    """Log the figures that the first process has measured, on every process; those that are unknown are left out."""
    figures = torch.full((len(LOGGED),), float("nan"), device=pl_module.device)
    if measured is not None:
        found = [getattr(measured, name) for name in LOGGED]
        figures = figures.new_tensor([float("nan") if value is None else value for value in found])
    values = zip(LOGGED, trainer.strategy.broadcast(figures).tolist(), strict=True)
    known = {prefix + name: value for name, value in values if not math.isnan(value)}
    pl_module.log_dict(known, sync_dist=True)  # the mean of equal values
