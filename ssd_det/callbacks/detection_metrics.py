"""What a detector found: written as COCO results, and measured against true boxes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import make_folder, write_json
from ssd_det.console import say
from ssd_det.distributed import gather, gather_by_id
from ssd_det.errors import InputError
from ssd_det.report.detector_quality import NAMES, average_precision
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
    the logs.

    Args:
        per_class: measure each class as well.
    """

    def __init__(self, per_class: bool = False) -> None:
        self.per_class = per_class
        self.detections = Detections()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.detections = Detections()

    on_predict_start = on_test_start

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

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, measure it and log the figures.

        Raises:
            InputError: if an image could not be read on any process, or images were left out.
        """
        results, folder = self._gather(trainer)
        figures = torch.full((len(LOGGED),), float("nan"), device=pl_module.device)
        if trainer.is_global_zero:
            coco = trainer.datamodule.coco_for("test")  # type: ignore[attr-defined]
            measured = average_precision(coco, results, self.per_class)
            write_json(folder / "predictions.json", results)
            content = measured.to_json()
            write_json(folder / "metrics.json", content)
            figures = figures.new_tensor([float("nan") if content[n] is None else content[n] for n in LOGGED])
            if measured.by_category is not None:
                print_per_class(measured.by_category)
            self._say(folder / "metrics.json", results)
        figures = trainer.strategy.broadcast(figures)
        known = {name: value for name, value in zip(LOGGED, figures.tolist(), strict=True) if not math.isnan(value)}
        pl_module.log_dict(known, rank_zero_only=False)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, if it is a detector that predicts.

        Raises:
            InputError: if an image could not be read on any process.
        """
        if not isinstance(pl_module, DetectTask | JointTask):
            return
        results, folder = self._gather(trainer)
        if trainer.is_global_zero:
            write_json(folder / "predictions.json", results)
            self._say(folder / "predictions.json", results)

    def _keep(self, detections: Detections) -> None:
        self.detections.by_image.update(detections.by_image)
        self.detections.failures.extend(detections.failures)

    def _say(self, path: Path, results: Sequence[JsonObject]) -> None:
        say(f"{path}: {len(results)} detections in {len(self.detections.by_image)} images.")

    def _gather(self, trainer: Trainer) -> tuple[list[JsonObject], Path]:
        """The detections of all processes in the order of the image ids, and the folder to write to."""
        for failures in gather(self.detections.failures):
            if failures:
                raise InputError(failures[0])
        found = gather_by_id(self.detections.by_image)
        self.detections = Detections(found)
        images = trainer.datamodule.coco_for("test").images  # type: ignore[attr-defined]
        if len(found) < len(images):
            raise InputError(
                f"Only {len(found)} of {len(images)} images were processed: "
                f"leave out trainer.fast_dev_run, trainer.limit_test_batches and trainer.limit_predict_batches."
            )
        folder = Path(trainer.log_dir or trainer.default_root_dir)
        if trainer.is_global_zero:
            make_folder(folder)
        return [result for results in found.values() for result in results], folder
