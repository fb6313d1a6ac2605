"""What a run of the pipeline has reached, read from its folder."""

import csv
import json
from collections.abc import Sequence, Set
from pathlib import Path
from typing import Any

from ssd_det.annotations.coco import read_coco
from ssd_det.report.quality import overlaps
from ssd_det.runs.records import current_stages, damaged, read_stage_record

TEST_FOLDERS = {"noisy": "test_noisy", "joint": "test_joint", "refined": "test", "clean": "test_clean"}
BOXES = {"noisy": "noisy boxes", "joint": "refined boxes, jointly", "refined": "refined boxes", "clean": "clean boxes"}
WINNERS = ("joint", "refined")
TRAINING_FOLDERS = {
    "refiner": "refiner",
    "joint model": "joint",
    "detector on refined boxes": "detector",
    "detector on noisy boxes": "detector_noisy",
    "detector on clean boxes": "detector_clean",
}
FIGURES = ("ap", "ap_50", "ap_75")


def read_results(run: Path) -> dict[str, Any]:
    """Collect the figures of a run, of the stages that its last call found or made up to date.

    Args:
        run: its folder.

    Returns:
        ``detectors``: by the boxes trained on (noisy, joint, refined, clean) what ``test`` measured, ``None`` where
        it was not run; joint is the detector that was trained together with the refiner. ``won_back``: the share of
        the lost ``ap``, ``ap_50``, ``ap_75`` that joint and refined win back, ``None`` where it is not known;
        ``quality``: of the boxes, ``before`` and ``after``, or ``None``; ``scores``: how reliable those of refined
        boxes are, or ``None``; ``seconds``: wall time of each stage by its title.

    Raises:
        InputError: if the folder is not a run's, or a file in it is not as the pipeline left it.
    """
    current = current_stages(run)
    detectors = {
        boxes: _product(run, folder, "metrics.json", current, {*FIGURES, "precision_at_50"})
        for boxes, folder in TEST_FOLDERS.items()
    }
    quality = _product(run, "refined", "quality.json", current, {"before", "after"}) or {}
    records = [read_stage_record(run / folder) for folder in current]
    return {
        "detectors": detectors,
        "won_back": {
            winner: {
                name: won_back(*(_figure(detectors[boxes], name) for boxes in ("noisy", winner, "clean")))
                for name in FIGURES
            }
            for winner in WINNERS
            if detectors[winner]
        },
        "quality": {stage: found["all"] for stage in ("before", "after") if (found := quality.get(stage))} or None,
        "scores": quality.get("scores"),
        "seconds": {record.title: record.seconds for record in records if record},
    }


def won_back(noisy: float | None, refined: float | None, clean: float | None) -> float | None:
    """Share of the AP lost to noise that is won back (method, section 10); ``None`` where nothing is lost."""
    if noisy is None or refined is None or clean is None or clean <= noisy:
        return None
    return (refined - noisy) / (clean - noisy)


def box_overlaps(run: Path) -> dict[str, list[float]] | None:
    """IoU with the true box of each box before and after refining, where true boxes are known."""
    paths = {name: run / name / f"{name}.json" for name in ("refined", "true")}
    if not set(paths) <= set(current_stages(run)) or not all(path.is_file() for path in paths.values()):
        return None
    return overlaps(*(read_coco(paths[name]) for name in ("refined", "true")))


def training_curves(run: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Steps and losses of each finished training, over all attempts; of a repeated step the last counts."""
    curves = {}
    current = current_stages(run)
    for name, folder in TRAINING_FOLDERS.items():
        if folder not in current:
            continue
        losses: dict[int, float] = {}
        # The logs of attempts that were stopped carry a time in their names; the last is metrics.csv.
        for path in [*sorted((run / folder).glob("metrics.*.csv")), run / folder / "metrics.csv"]:
            if not path.is_file():
                continue
            losses.update(_losses(path))
        if losses:
            steps = sorted(losses)
            curves[name] = (steps, [losses[step] for step in steps])
    return curves


def _losses(path: Path) -> dict[int, float]:
    """Losses by step, of a log of Lightning's."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(file) if row.get("loss")}
    except (ValueError, KeyError, TypeError, csv.Error):
        raise damaged(path) from None


def _product(run: Path, folder: str, name: str, current: Sequence[str], needed: Set[str]) -> dict[str, Any] | None:
    """A json file that a stage left, if the stage is up to date.

    Raises:
        InputError: if it is not json, or has not all keys that are needed.
    """
    path = run / folder / name
    if folder not in current or not path.is_file():
        return None
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        raise damaged(path) from None
    if not needed <= content.keys():
        raise damaged(path)
    return content


def _figure(measured: dict[str, Any] | None, name: str) -> float | None:
    return measured[name] if measured else None
