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
    """Collect the figures of a run, of the stages that are finished.

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
    if not (run / "run.json").is_file():
        raise InputError(f"{run}: holds no run of the pipeline: give the folder that was its output.")
    detectors = {boxes: _product(run / folder, "metrics.json") for boxes, folder in TEST_FOLDERS.items()}
    quality = _product(run / "refined", "quality.json")
    records = {folder: read_record(folder) for folder in run.iterdir() if folder.is_dir()}
    finished = sorted((r for r in records.values() if r.get("finished")), key=lambda record: record["ended"])
    return {
        "detectors": detectors,
        "won_back": {name: won_back(*(_figure(detectors[boxes], name) for boxes in TEST_FOLDERS)) for name in FIGURES},
        "quality": {stage: quality[stage]["all"] for stage in ("before", "after")} if quality else None,
        "seconds": {record["title"]: record["seconds"] for record in finished},
    }


def won_back(noisy: float | None, refined: float | None, clean: float | None) -> float | None:
    """Share of what noise loses that refining wins back (method, section 10); ``None`` where it loses nothing."""
    if noisy is None or refined is None or clean is None or clean <= noisy:
        return None
    return (refined - noisy) / (clean - noisy)


def box_overlaps(run: Path) -> dict[str, list[float]] | None:
    """IoU with the true box of each box before and after refining, where true boxes are known."""
    paths = {name: run / name / f"{name}.json" for name in ("refined", "true")}
    if not all(path.is_file() for path in paths.values()):
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
    """Steps and losses of each training that has begun, over all attempts; of a repeated step the last counts."""
    curves = {}
    for name, folder in TRAINING_FOLDERS.items():
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
    if not read_record(folder).get("finished") or not (folder / name).is_file():
        return None
    content: dict[str, Any] = json.loads((folder / name).read_text(encoding="utf-8"))
    return content


def _figure(measured: dict[str, Any] | None, name: str) -> float | None:
    return measured[name] if measured else None
