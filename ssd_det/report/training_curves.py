"""The losses of the trainings of a run, read from the logs in its folder."""

import csv
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from ssd_det.runs.layout import DETECTOR_FOLDERS, JOINT, REFINER
from ssd_det.runs.records import current_stages, damaged

TRAINING_FOLDERS = {
    "refiner": REFINER,
    "joint model": JOINT,
    "detector on refined boxes": DETECTOR_FOLDERS["refined"],
    "detector on noisy boxes": DETECTOR_FOLDERS["noisy"],
    "detector on clean boxes": DETECTOR_FOLDERS["clean"],
}


@dataclass(frozen=True)
class TrainingCurve:
    """The loss of a training, step by step."""

    steps: list[int]
    losses: list[float]


def training_curves(run: Path) -> dict[str, TrainingCurve]:
    """The curve of each finished training, over all attempts; of a repeated step the last counts.

    Raises:
        InputError: if the folder is not a run's, or a log in it is not as the pipeline left it.
    """
    curves = {}
    current = current_stages(run)
    for name, folder in TRAINING_FOLDERS.items():
        if folder not in current:
            continue
        loss_at: dict[int, float] = {}
        # The logs of attempts that were stopped carry a time in their names; the last is metrics.csv.
        for path in [*sorted((run / folder).glob("metrics.*.csv")), run / folder / "metrics.csv"]:
            if path.is_file():
                loss_at.update(_read_losses(path))
        if loss_at:
            steps = sorted(loss_at)
            curves[name] = TrainingCurve(steps, [loss_at[step] for step in steps])
    return curves


def _read_losses(path: Path) -> dict[int, float]:
    """Losses by step, from one of Lightning's logs; a training that was killed may have cut its last line short."""
    try:
        whole, newline, _ = path.read_bytes().decode("utf-8").rpartition("\n")
        rows = csv.DictReader(StringIO(whole + newline, newline=""))
        return {int(row["step"]): float(row["loss"]) for row in rows if row.get("loss")}
    except (ValueError, KeyError, TypeError, csv.Error):
        raise damaged(path) from None
