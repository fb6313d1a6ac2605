"""The whole chain in processes of its own: unbroken, stopped in every stage, and left as it is."""

import json
import os
import signal
import time

import pytest

from ssd_det.ops.boxes import corners, iou
from ssd_det.report.bags import measure_bags
from tests.command import Running, ssd_det
from tests.notebooks import pictures, run_notebook


def test_every_stage_leaves_its_products_in_its_folder(unbroken):
    run, printed = unbroken
    for name in (
        "refiner/config.yaml",
        "refiner/checkpoints/last.ckpt",
        "refiner/metrics.csv",
        "true/true.json",
        "refined/refined.json",
        "refined/quality.json",
        "detector/config.yaml",
        "detector/checkpoints/last.ckpt",
        "test/metrics.json",
        "test_noisy/metrics.json",
        "test_clean/metrics.json",
        "results.json",
        "results.md",
        "figures/iou.png",
        "figures/training.png",
    ):
        assert (run / name).is_file(), name
    for line in ("[1/9] fit refiner", "[4/9] fit detector", "[9/9] test detector on clean boxes", "share won back"):
        assert line in printed


def test_the_detector_learns_from_the_refined_file_alone(unbroken, demo):
    run, _ = unbroken
    refined, noisy = ((run / name / "config.yaml").read_text() for name in ("detector", "detector_noisy"))
    assert f"annotations: {run / 'refined' / 'refined.json'}" in refined
    assert f"annotations: {demo / 'noisy.json'}" in noisy
    same_folder = noisy.replace("detector_noisy", "detector")
    assert same_folder.replace(str(demo / "noisy.json"), str(run / "refined" / "refined.json")) == refined


def test_the_results_are_those_of_the_stages(unbroken):
    run, _ = unbroken
    results = json.loads((run / "results.json").read_text())
    for boxes, folder in (("noisy", "test_noisy"), ("refined", "test"), ("clean", "test_clean")):
        assert results["detectors"][boxes] == json.loads((run / folder / "metrics.json").read_text())
    assert results["quality"]["after"] == json.loads((run / "refined" / "quality.json").read_text())["after"]["all"]
    assert list(results["seconds"])[:2] == ["fit refiner", "take out the true boxes"]
    assert "| trained on | AP | AP50 | AP75 |" in (run / "results.md").read_text()


def test_the_notebook_of_results_shows_the_run(unbroken, monkeypatch):
    run, _ = unbroken
    outputs = run_notebook("results.ipynb", monkeypatch, SSD_DET_RUN=run)
    assert "share won back" in str(outputs[2])
    scored = json.loads((run / "results.json").read_text())["scores"] is not None
    assert [pictures(shown) for shown in outputs[3:]] == [1, 1, int(scored), 1, 1]


def test_bags_of_a_run_are_compared_with_the_true_boxes(unbroken, demo):
    run, _ = unbroken
    ious = measure_bags(run, images=100).columns()
    annotations = json.loads((demo / "noisy.json").read_text())["annotations"]
    assert {name: len(values) for name, values in ious.items()} == dict.fromkeys(
        ("before", "best_of_a", "best_of_b", "best_of_c", "chosen", "merged"), len(annotations)
    )
    noisy, true = (corners([entry[key] for entry in annotations]) for key in ("bbox", "true_bbox"))
    assert sorted(ious["before"].tolist()) == pytest.approx(sorted(iou(noisy, true).tolist()), abs=1e-5)
    assert len(measure_bags(run, images=2).merged) < len(annotations)


def test_without_true_boxes_there_is_nothing_to_compare_bags_with(unbroken, demo, tmp_path):
    run, _ = unbroken
    content = json.loads((demo / "noisy.json").read_text())
    for entry in content["annotations"]:
        del entry["true_bbox"]
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    record = json.loads((run / "refined" / "stage.json").read_text())
    record["settings"]["data"]["init_args"]["annotations"] = str(tmp_path / "noisy.json")
    (tmp_path / "refined").mkdir()
    (tmp_path / "refined" / "stage.json").write_text(json.dumps(record))
    (tmp_path / "refiner").symlink_to(run / "refiner")
    (tmp_path / "run.json").write_text(json.dumps({"current": ["refiner", "refined"]}))
    assert measure_bags(tmp_path, images=100) is None


def test_a_finished_run_is_left_as_it_is(unbroken, words, demo):
    run, _ = unbroken
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.json") if path.parent != run}
    written_differently = [f"--output={os.path.relpath(run)}", f"--image_root={demo / 'images' / '..' / 'images'}"]
    result = ssd_det(*words, *written_differently)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("finished before") == 5
    assert {path: path.stat().st_mtime_ns for path in before} == before
    detectors = json.loads((run / "results.json").read_text())["detectors"]
    assert detectors["refined"]
    assert detectors["noisy"] is None, "a baseline of an earlier call, which may have had other settings"


def stop_when(words, run, condition, kill):
    """Start the pipeline, and stop it as soon as a file of the run exists."""
    process = Running(*words, f"--output={run}")
    while not (run / condition).exists():
        assert process.poll() is None, process.printed()
        time.sleep(0.01)
    kill(process)
    return process.wait(), process.printed()


def kill_parent(process):
    process.send_signal(signal.SIGKILL)


def press_control_c(process):
    os.killpg(process.group, signal.SIGINT)


def end_parent(process):
    process.send_signal(signal.SIGTERM)


def close_terminal(process):
    os.killpg(process.group, signal.SIGHUP)


CODES = {kill_parent: -signal.SIGKILL, press_control_c: 130, end_parent: 143, close_terminal: 129}


def test_a_run_that_was_stopped_in_every_stage_ends_with_the_same_products(unbroken, words, tmp_path):
    run = tmp_path / "stopped"
    for condition, kill in (
        ("refine.yaml", kill_parent),
        ("refiner/checkpoints/last.ckpt", end_parent),
        ("refined/stage.json", kill_parent),
        ("detector/checkpoints/last.ckpt", press_control_c),
        ("test/stage.json", close_terminal),
    ):
        code, printed = stop_when(words, run, condition, kill)
        assert code == CODES[kill], printed
        if kill is not kill_parent:
            assert printed.count("the same command goes on from there") == printed.count("ssd-det: stopped") == 1
    result = ssd_det(*words, f"--output={run}")
    assert result.returncode == 0, result.stderr
    assert "[5/5] test detector: goes on" in result.stdout
    whole, _ = unbroken
    assert len(list((run / "refiner").glob("metrics.*.csv"))) == 1, "the refiner went on from its checkpoint"
    boxes = [
        [entry["bbox"] for entry in json.loads((folder / "refined" / "refined.json").read_text())["annotations"]]
        for folder in (whole, run)
    ]
    for expected, box in zip(*boxes, strict=True):
        assert box == pytest.approx(expected, abs=1e-3)
    expected, metrics = (json.loads((folder / "test" / "metrics.json").read_text()) for folder in (whole, run))
    assert metrics.keys() == expected.keys()
    for name, value in metrics.items():
        assert value == pytest.approx(expected[name], abs=1e-6), name


def test_a_joint_model_is_one_setting_away(words, configs, tmp_path):
    """Joint, refine, retrain: the joint model's own detector is tested as well."""
    run = tmp_path / "joint"
    shorter = [f"--{section}.trainer.max_epochs=1" for section in ("refine", "detect")]
    result = ssd_det(*words, f"--output={run}", f"--refine.config={configs / 'tiny_joint.yaml'}", *shorter)
    assert result.returncode == 0, result.stderr
    for line in ("[1/6] fit joint model", "[2/6] test joint model", "[4/6] refine annotations", "[6/6] test detector"):
        assert line in result.stdout
    assert len(measure_bags(run, images=100).merged) > 0
    results = json.loads((run / "results.json").read_text())
    for boxes, folder in (("joint", "test_joint"), ("refined", "test")):
        assert results["detectors"][boxes] == json.loads((run / folder / "metrics.json").read_text())
    assert str(run / "joint" / "checkpoints" / "last.ckpt") in (run / "refined" / "stage.json").read_text()
    assert f"annotations: {run / 'refined' / 'refined.json'}" in (run / "detector" / "config.yaml").read_text()
