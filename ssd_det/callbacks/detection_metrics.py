"""What a detector found: written as COCO results, and measured against true boxes."""

import math
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from ssd_det.annotations.output import make_folder, write_json
from ssd_det.console import say
from ssd_det.distributed import gather_by_id
from ssd_det.errors import InputError
from ssd_det.report.detector_quality import NAMES, average_precision
from ssd_det.report.screen_tables import print_per_class

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
        self.found: dict[int, list[dict[str, Any]]] = {}
        self.failures: list[str] = []

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.found, self.failures = {}, []

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
        self.found.update(outputs["found"])
        self.failures += outputs["failures"]

    on_predict_start = on_test_start
    on_predict_batch_end = on_test_batch_end

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, measure it and log the figures.

        Raises:
            InputError: if an image could not be read on any process, or not all images were looked at.
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
            say(f"{folder / 'metrics.json'}: {len(results)} detections in {len(self.found)} images.")
        figures = trainer.strategy.broadcast(figures)
        known = {name: value for name, value in zip(LOGGED, figures.tolist(), strict=True) if not math.isnan(value)}
        pl_module.log_dict(known, rank_zero_only=False)

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found.

        Raises:
            InputError: if an image could not be read on any process.
        """
        results, folder = self._gather(trainer)
        if trainer.is_global_zero:
            write_json(folder / "predictions.json", results)
            say(f"{folder / 'predictions.json'}: {len(results)} detections in {len(self.found)} images.")

    def _gather(self, trainer: Trainer) -> tuple[list[dict[str, Any]], Path]:
        """The detections of all processes in the order of the image ids, and the folder to write to."""
        for sentences in gather_by_id({trainer.global_rank: self.failures}).values():
            if sentences:
                raise InputError(sentences[0])
        self.found = gather_by_id(self.found, repeated=True)
        images = trainer.datamodule.coco_for("test").images  # type: ignore[attr-defined]
        if len(self.found) < len(images):
            raise InputError(
                f"Only {len(self.found)} of {len(images)} images were looked at: "
                f"leave out trainer.fast_dev_run, trainer.limit_test_batches and trainer.limit_predict_batches."
            )
        folder = Path(trainer.log_dir or trainer.default_root_dir)
        if trainer.is_global_zero:
            make_folder(folder)
        return [result for results in self.found.values() for result in results], folder
