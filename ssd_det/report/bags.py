"""How good the bags of a run's refiner are: what they hold, what is chosen from them, and what is merged."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.utilities import move_data_to_device
from torch import Tensor

from ssd_det.annotations.json_files import JsonObject
from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.batches.samplers import EqualSizeBatches
from ssd_det.errors import InputError
from ssd_det.models.refiner import Refiner
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import iou
from ssd_det.runs.layout import CHECKPOINT, JOINT, REFINED, REFINER
from ssd_det.runs.records import current_stages, read_stage_record
from ssd_det.tasks.refine import RefineTask


@dataclass(frozen=True)
class BagIous:
    """IoU with the true box of proposals and boxes, each ``Tensor[N]`` for N objects.

    Attributes:
        before: of the box before refining.
        best_of_a: of the best proposal in the sampled bag.
        best_of_b: of the best one in the bag that SPSD moved.
        chosen: of the proposal that ranks highest in the last bag.
        merged: of the box merged from the last bag.
        best_of_c: of the best one in the bag that the regressor moved; ``None`` without a second stage.
    """

    before: Tensor
    best_of_a: Tensor
    best_of_b: Tensor
    chosen: Tensor
    merged: Tensor
    best_of_c: Tensor | None = None

    def columns(self) -> dict[str, Tensor]:
        """All that are there, by name."""
        return {name: column for name, column in vars(self).items() if column is not None}


def measure_bags(run: Path, images: int) -> BagIous | None:
    """Refine some images of a run again, and compare proposals and boxes with the true ones.

    Args:
        run: its folder.
        images: about how many, evenly spread.

    Returns:
        Of each object of these images whose true box is known; ``None`` where none is known.

    Raises:
        InputError: if the folder is not a run's, has no refined boxes, or its checkpoint or data cannot be used.
    """
    stages = current_stages(run)
    trained = [folder for folder in stages if Path(folder).name in (REFINER, JOINT)]
    if REFINED not in stages or not trained:
        raise InputError(f"{run}: has no refined boxes yet: run the pipeline to its end.")
    # Rounds and folds train several; with the last of them the last boxes were refined.
    refiner = _load_refiner(run / trained[-1] / CHECKPOINT)
    record = read_stage_record(run / REFINED)
    if record is None:
        raise InputError(f"{run}: has no refined boxes yet: run the pipeline to its end.")
    parts = [_refine(refiner, batch).columns() for batch in _some_batches(record.settings["data"], images)]
    joined = {name: torch.cat([part[name] for part in parts]).cpu() for name in parts[0]}
    known = ~joined["before"].isnan()
    return BagIous(**{name: column[known] for name, column in joined.items()}) if known.any() else None


def bag_ious(output: RefinerOutput, before: Tensor, true: Tensor) -> BagIous:
    """Compare what a pass of the refiner made with the true boxes.

    Args:
        output: of the refiner.
        before: ``Tensor[G, 4]``, xyxy, the boxes that it started from.
        true: ``Tensor[G, 4]``, xyxy.
    """
    in_a, in_b = (iou(bag, true[:, None]) for bag in (output.bag_a, output.bag_b))
    in_c = iou(output.stage_two.proposals, true[:, None]) if output.stage_two is not None else None
    in_last = in_c if in_c is not None else in_b
    return BagIous(
        before=iou(before, true),
        best_of_a=in_a.amax(dim=1),
        best_of_b=in_b.amax(dim=1),
        chosen=in_last.gather(1, output.merged.members[:, :1]).squeeze(1),
        merged=iou(output.refined, true),
        best_of_c=in_c.amax(dim=1) if in_c is not None else None,
    )


def _load_refiner(checkpoint: Path) -> Refiner:
    task = RefineTask()
    task.restore(checkpoint)
    assert task.refiner is not None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return task.refiner.to(device).eval()


@torch.no_grad()
def _refine(refiner: Refiner, batch: RefineBatch) -> BagIous:
    """Refine a batch, and compare with the true boxes; NaN where these are not known."""
    batch = move_data_to_device(batch, next(refiner.parameters()).device)
    return bag_ious(refiner(batch.images, batch.objects), batch.objects.boxes, batch.true_boxes)


def _some_batches(data: JsonObject, images: int) -> Iterator[RefineBatch]:
    """Some of the batches that a stage refined, evenly spread.

    Args:
        data: settings of its data.
        images: about how many they hold.

    Raises:
        InputError: if the data cannot be used.
    """
    kind = JointDataModule if data["class_path"].endswith(JointDataModule.__name__) else RefineDataModule
    datamodule = kind(**data["init_args"])
    batches = datamodule.to_refine().loader(processes=1).dataset
    assert isinstance(batches, EqualSizeBatches)
    count = min(-(-images // datamodule.batch_size), len(batches))
    for index in np.linspace(0, len(batches) - 1, count).astype(int).tolist():
        batch = batches[index]
        if isinstance(batch, FailedBatch):
            raise InputError(batch.sentence)
        yield batch
