"""A run of the pipeline, without its trainings."""

import json

import pytest

from tests.report.finished_run import measured


@pytest.fixture
def run(tmp_path):
    """A run with a clean baseline that is left from an earlier call."""
    folder = tmp_path / "run"
    stages = [("refiner", "fit refiner", 5.0), ("refined", "refine annotations", 2.0)]
    stages += [("true", "take out the true boxes", 1.0), ("detector", "fit detector", 3.0)]
    stages += [("test", "test detector", 1.0), ("test_noisy", "test detector on noisy boxes", 1.5)]
    for name, title, seconds in stages:
        (folder / name).mkdir(parents=True)
        record = {"title": title, "seconds": seconds, "finished": True, "commands": [], "settings": {}, "inputs": {}}
        (folder / name / "stage.json").write_text(json.dumps(record))
    (folder / "test_clean").mkdir()
    (folder / "test_clean" / "metrics.json").write_text(json.dumps(measured(0.9)))
    (folder / "run.json").write_text(
        json.dumps({"current": [name for name, _, _ in stages], "inputs": {"image_root": str(folder)}})
    )
    (folder / "test" / "metrics.json").write_text(json.dumps(measured(0.3)))
    (folder / "test_noisy" / "metrics.json").write_text(json.dumps(measured(0.1)))
    everything = {"count": 1, "mean_iou": 0.5, "above_50": 0.4, "above_75": 0.1, "above_90": 0.0}
    quality = {"before": {"all": everything}, "after": {"all": {**everything, "mean_iou": 0.8}}}
    (folder / "refined" / "quality.json").write_text(json.dumps(quality))
    entry = {"id": 5, "image_id": 1, "category_id": 3}
    for name, boxes in (
        ("refined", {"bbox": [0, 0, 10, 10], "original_bbox": [5, 0, 10, 10]}),
        ("true", {"bbox": [0, 0, 10, 10]}),
    ):
        content = {
            "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}],
            "annotations": [{**entry, **boxes}],
            "categories": [{"id": 3, "name": "cat"}],
        }
        (folder / name / f"{name}.json").write_text(json.dumps(content))
    (folder / "refiner" / "metrics.123.csv").write_text("epoch,loss,step\n0,5.0,9\n0,4.5,19\n")
    (folder / "refiner" / "metrics.csv").write_text("epoch,loss,step\n0,4.0,19\n0,3.0,29\n1,,29\n")
    return folder
