"""How good the bags of a run's refiner are: what they hold, what is chosen from them, and what is merged."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from lightning.fabric.utilities import move_data_to_device
from torch import Tensor

from ssd_det.batches.batch import FailedBatch, RefineBatch
from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.batches.refine_datamodule import RefineDataModule
from ssd_det.batches.samplers import EqualSizeBatches
from ssd_det.errors import InputError
from ssd_det.models.refiner_output import RefinerOutput
from ssd_det.ops.boxes import iou
from ssd_det.runs.records import StageRecord, current_stages, read_stage_record
from ssd_det.tasks.refine import RefineTask

CHECKPOINT = "--checkpoint="
REFINED = "refined"


def bag_overlaps(run: Path, images: int = 100) -> dict[str, list[float]] | None:
    """Refine some images of a run again, and compare proposals and boxes with the true ones.

    Args:
        run: its folder.
        images: about how many, evenly spread.

    Returns:
        IoU with the true box, for each object whose true box is known: of the box ``before``; of the best proposal in
        the sampled bag, ``best_of_a``, in the one that SPSD moved, ``best_of_b``, and, where there is a second stage,
        in the one that the regressor moved, ``best_of_c``; of the proposal that ranks highest in the last of these,
        ``chosen``; and of the box ``merged`` from it. ``None`` where no true box is known.

    Raises:
        InputError: if the folder is not a run's, has no refined boxes, or its checkpoint or data cannot be used.
    """
    record = read_stage_record(run / REFINED) if REFINED in current_stages(run) else None
    if record is None:
        raise InputError(f"{run}: has no refined boxes yet: let the pipeline finish.")
    task = RefineTask()
    task.restore(_checkpoint(record))
    refiner = task.refiner
    assert refiner is not None
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    refiner.to(device).eval()
    found: list[dict[str, Tensor]] = []
    for read in _batches(record, images):
        batch = move_data_to_device(read, device)
        with torch.no_grad():
            output = refiner(batch.images, batch.objects)
        known = ~batch.true_boxes.isnan().any(dim=1)
        measured = overlaps(output, batch.objects.boxes, batch.true_boxes)
        found.append({name: values[known] for name, values in measured.items()})
    joined = {name: torch.cat([part[name] for part in found]).tolist() for name in found[0]}
    return joined if joined["merged"] else None


def overlaps(output: RefinerOutput, before: Tensor, true: Tensor) -> dict[str, Tensor]:
    """IoU with the true box of what one pass found, as :func:`bag_overlaps` names it.

    Args:
        output: of the refiner.
        before: ``Tensor[G, 4]``, xyxy, the boxes that it started from.
        true: ``Tensor[G, 4]``, xyxy.

    Returns:
        ``Tensor[G]`` for each name.
    """
    bags = {"a": output.bag_a, "b": output.bag_b}
    if output.stage_two is not None:
        bags["c"] = output.stage_two.proposals
    within = {name: iou(bag, true[:, None]) for name, bag in bags.items()}
    last = list(within.values())[-1]
    return {
        "before": iou(before, true),
        **{f"best_of_{name}": found.amax(dim=1) for name, found in within.items()},
        "chosen": last.gather(1, output.merged.members[:, :1]).squeeze(1),
        "merged": iou(output.refined, true),
    }


def _checkpoint(record: StageRecord) -> str:
    words = [word for command in record.commands for word in command if word.startswith(CHECKPOINT)]
    return str(words[0].removeprefix(CHECKPOINT))


def _batches(record: StageRecord, images: int) -> Iterator[RefineBatch]:
    """Some of the batches that a stage refined.

    Raises:
        InputError: if the data cannot be used.
    """
    settings = record.settings["data"]
    kind = JointDataModule if settings["class_path"].endswith(JointDataModule.__name__) else RefineDataModule
    datamodule = kind(**settings["init_args"])
    batches = datamodule.to_refine().loader(processes=1).dataset
    assert isinstance(batches, EqualSizeBatches)
    count = min(-(-images // datamodule.batch_size), len(batches))
    for place in np.linspace(0, len(batches) - 1, count).astype(int).tolist():
        batch = batches[place]
        if isinstance(batch, FailedBatch):
            raise InputError(batch.sentence)
        yield batch
