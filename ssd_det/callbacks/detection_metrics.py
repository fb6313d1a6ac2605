"""What a detector found: written as COCO results, and measured against true boxes."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from lightning.pytorch import Callback, LightningModule, Trainer

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import make_folder, write_json
from ssd_det.batches.batch import FailedBatch
from ssd_det.console import say
from ssd_det.distributed import led_by_first
from ssd_det.errors import InputError
from ssd_det.report.detector_quality import NAMES, DetectorMetrics, average_precision
from ssd_det.report.screen_tables import print_per_class
from ssd_det.tasks.base import Task
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.detections import Detections, coco_results, joined_detections
from ssd_det.tasks.joint import JointTask

LOGGED = (*NAMES, "voc_ap_50")

Result = TypeVar("Result")


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
        self.found: list[Detections | FailedBatch] = []

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin."""
        self.found = []

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
        if isinstance(outputs, Detections | FailedBatch) and isinstance(pl_module, DetectTask | JointTask):
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
        measured = self._on_first(pl_module, coco, lambda results: average_precision(coco, results))
        _log(pl_module, measured, "validation_")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, measure it and log the figures.

        Raises:
            InputError: if an image could not be read on any process, or images were left out.
        """
        coco = trainer.datamodule.coco_for("test")  # type: ignore[attr-defined]
        folder = _folder(trainer)

        def write(results: list[JsonObject]) -> DetectorMetrics:
            measured = average_precision(coco, results, self.per_class)
            make_folder(folder)
            write_json(folder / "predictions.json", results)
            write_json(folder / "metrics.json", measured.to_json())
            if measured.by_category is not None:
                print_per_class(measured.by_category)
            _say(folder / "metrics.json", results, coco)
            return measured

        _log(pl_module, self._on_first(pl_module, coco, write))

    def on_predict_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write what was found, if it is a detector that predicts.

        Raises:
            InputError: if an image could not be read on any process.
        """
        if not isinstance(pl_module, DetectTask | JointTask):
            return
        coco = trainer.datamodule.coco_for("predict")  # type: ignore[attr-defined]
        path = _folder(trainer) / "predictions.json"

        def write(results: list[JsonObject]) -> None:
            make_folder(path.parent)
            write_json(path, results)
            _say(path, results, coco)

        self._on_first(pl_module, coco, write)

    def _keep(self, found: Detections | FailedBatch) -> None:
        self.found.append(found.cpu() if isinstance(found, Detections) else found)

    def _on_first(self, task: LightningModule, coco: CocoFile, use: Callable[[list[JsonObject]], Result]) -> Result:
        """Use, on the first process alone, what all processes have found in the images of a file.

        Args:
            task: one that knows the classes.
            coco: the file.
            use: is called with COCO results, in the order of the image ids.

        Returns:
            What ``use`` returned, on every process.

        Raises:
            InputError: on every process, if an image could not be read on any, or images were left out.
        """
        found, self.found = self.found, []

        def own(order: None) -> Detections:
            return joined_detections([_read(one) for one in found])

        def lead(on_all: Callable[[None], list[Detections]]) -> Result:
            by_image = joined_detections(on_all(None)).by_image()
            if len(by_image) < len(coco.images):
                raise InputError(
                    f"Only {len(by_image)} of {len(coco.images)} images were processed: leave out "
                    f"trainer.fast_dev_run, trainer.limit_val_batches, trainer.limit_test_batches and "
                    f"trainer.limit_predict_batches."
                )
            categories = cast("Task", task).known_categories()
            return use([entry for key, one in by_image.items() for entry in coco_results(key, one, categories)])

        return led_by_first(lead, own)


def _read(found: Detections | FailedBatch) -> Detections:
    """What was found in a batch.

    Raises:
        InputError: if it could not be read.
    """
    if isinstance(found, FailedBatch):
        raise InputError(found.sentence)
    return found


def _say(path: Path, results: Sequence[JsonObject], coco: CocoFile) -> None:
    say(f"{path}: {len(results)} detections in {len(coco.images)} images.")


def _folder(trainer: Trainer) -> Path:
    """The folder to write to; to be asked for on every process, as the first tells the others."""
    return Path(trainer.log_dir or trainer.default_root_dir)


def _log(pl_module: LightningModule, measured: DetectorMetrics, prefix: str = "") -> None:
    """Log the figures, which every process knows; those that are unknown are left out."""
    known = {prefix + name: value for name in LOGGED if (value := getattr(measured, name)) is not None}
    pl_module.log_dict(known, sync_dist=True)  # the mean of equal values
