"""What a run of the pipeline has reached, read from its folder."""

import csv
import json
from pathlib import Path
from typing import Any

from ssd_det.data.coco import read_coco
from ssd_det.errors import InputError
from ssd_det.ops.boxes import corners, iou
from ssd_det.pipeline.stage import read_record

TEST_FOLDERS = {"noisy": "test_noisy", "refined": "test", "clean": "test_clean"}
TRAINING_FOLDERS = {
    "refiner": "refiner",
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
        ``detectors``: by the boxes trained on (noisy, refined, clean) what ``test`` measured, ``None`` where it was
        not run; ``won_back``: the share of the lost ``ap``, ``ap_50``, ``ap_75`` that refining wins back, ``None``
        where it is not known; ``quality``: of the boxes, ``before`` and ``after``, or ``None``; ``seconds``: wall
        time of each stage by its title.

    Raises:
        InputError: if the folder is not a run's.
    """
    current = _current(run)
    detectors = {
        boxes: _product(run / folder, "metrics.json") if folder in current else None
        for boxes, folder in TEST_FOLDERS.items()
    }
    quality = (_product(run / "refined", "quality.json") if "refined" in current else None) or {}
    records = [read_record(run / folder) for folder in current]
    return {
        "detectors": detectors,
        "won_back": {name: won_back(*(_figure(detectors[boxes], name) for boxes in TEST_FOLDERS)) for name in FIGURES},
        "quality": {stage: found["all"] for stage in ("before", "after") if (found := quality.get(stage))} or None,
        "seconds": {record["title"]: record["seconds"] for record in records if record},
    }


def _current(run: Path) -> list[str]:
    """Folders of the stages that the last call of the pipeline found or made up to date, in their order."""
    try:
        folders: list[str] = json.loads((run / "run.json").read_text(encoding="utf-8"))["current"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{run}: holds no run of the pipeline: give the folder that was its output.") from None
    return folders


def won_back(noisy: float | None, refined: float | None, clean: float | None) -> float | None:
    """Share of what noise loses that refining wins back (method, section 10); ``None`` where it loses nothing."""
    if noisy is None or refined is None or clean is None or clean <= noisy:
        return None
    return (refined - noisy) / (clean - noisy)


def box_overlaps(run: Path) -> dict[str, list[float]] | None:
    """IoU with the true box of each box before and after refining, where true boxes are known."""
    paths = {name: run / name / f"{name}.json" for name in ("refined", "true")}
    if not set(paths) <= set(_current(run)) or not all(path.is_file() for path in paths.values()):
        return None
    refined, true = (read_coco(paths[name]) for name in ("refined", "true"))
    target = {a.id: a.bbox for a in true.annotations if a.measurable}
    judged = [a for a in refined.annotations if a.id in target]
    truth = corners([target[a.id] for a in judged])
    return {
        "before": iou(corners([a.original_bbox or a.bbox for a in judged]), truth).tolist(),
        "after": iou(corners([a.bbox for a in judged]), truth).tolist(),
    }


def training_curves(run: Path) -> dict[str, tuple[list[int], list[float]]]:
    """Steps and losses of each finished training, over all attempts; of a repeated step the last counts."""
    curves = {}
    current = _current(run)
    for name, folder in TRAINING_FOLDERS.items():
        if folder not in current:
            continue
        losses: dict[int, float] = {}
        # The logs of attempts that were stopped carry a time in their names; the last is metrics.csv.
        for path in [*sorted((run / folder).glob("metrics.*.csv")), run / folder / "metrics.csv"]:
            if not path.is_file():
                continue
            with path.open(encoding="utf-8", newline="") as file:
                losses.update({int(row["step"]): float(row["loss"]) for row in csv.DictReader(file) if row.get("loss")})
        if losses:
            steps = sorted(losses)
            curves[name] = (steps, [losses[step] for step in steps])
    return curves


def _product(folder: Path, name: str) -> dict[str, Any] | None:
    """A json file that a finished stage left."""
    if not (folder / name).is_file():
        return None
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def _figure(measured: dict[str, Any] | None, name: str) -> float | None:
    return measured[name] if measured else None
