"""The whole chain in processes of its own: unbroken, stopped in every stage, left as it is, and refused."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from ssd_det.main import main
from ssd_det.ops.boxes import corners, iou
from ssd_det.pipeline.pipeline import _split
from ssd_det.pipeline.processes import locked
from ssd_det.report.bags import measure_bags
from tests.command import LIMITED, ssd_det
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_JOINT, TINY_MODEL
from tests.notebooks import pictures, run_notebook

EPOCHS = 3
TRAINER = {
    "accelerator": "cpu",
    "max_epochs": EPOCHS,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "log_every_n_steps": 1,
    "logger": {
        "class_path": "lightning.pytorch.loggers.CSVLogger",
        "init_args": {"save_dir": "", "name": "", "version": ""},
    },
}
LAST = {
    "class_path": "lightning.pytorch.callbacks.ModelCheckpoint",
    "init_args": {"filename": "last", "enable_version_counter": False},
}
METRICS = {"class_path": "ssd_det.callbacks.detection_metrics.DetectionMetrics"}


@pytest.fixture(scope="module")
def setting(demo, tmp_path_factory):
    """A folder with tiny configurations, and the words of a pipeline on the demo's data."""
    folder = tmp_path_factory.mktemp("pipeline")
    optimisation = {"optimizer": "adamw", "learning_rate": 1e-3, "warmup_steps": 2, "milestones": [1]}
    refine = {
        "model": {"class_path": "ssd_det.tasks.refine.RefineTask", "init_args": {**TINY_MODEL, **optimisation}},
        "data": {"class_path": "ssd_det.batches.refine_datamodule.RefineDataModule", "init_args": TINY_DATA},
        "trainer": {**TRAINER, "callbacks": [LAST]},
    }
    detect = {
        "model": {"class_path": "ssd_det.tasks.detect.DetectTask", "init_args": {**TINY_DETECTOR, **optimisation}},
        "data": {
            "class_path": "ssd_det.batches.detect_datamodule.DetectDataModule",
            "init_args": {"batch_size": 2, "num_workers": 0},
        },
        "trainer": {**TRAINER, "callbacks": [METRICS, LAST]},
    }
    for name, content in (("refine", refine), ("detect", detect)):
        (folder / f"tiny_{name}.yaml").write_text(yaml.safe_dump(content))
    joint = {
        "model": {"class_path": "ssd_det.tasks.joint.JointTask", "init_args": {**TINY_JOINT, **optimisation}},
        "data": {"class_path": "ssd_det.batches.joint_datamodule.JointDataModule", "init_args": TINY_DATA},
        "trainer": {**TRAINER, "callbacks": [METRICS, LAST]},
    }
    (folder / "tiny_joint.yaml").write_text(yaml.safe_dump(joint))
    chain = {name: {"config": f"tiny_{name}.yaml"} for name in ("refine", "detect")}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(chain))
    return [
        "pipeline",
        f"--config={folder / 'pipeline.yaml'}",
        f"--annotations={demo / 'noisy.json'}",
        f"--image_root={demo / 'images'}",
        f"--test_annotations={demo / 'test.json'}",
    ]


@pytest.fixture(scope="module")
def unbroken(setting, tmp_path_factory):
    """The folder of a run that was never stopped, and what it printed."""
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    result = ssd_det(*setting, f"--output={run}", "--baselines")
    assert result.returncode == 0, result.stderr
    return run, result.stdout


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
    same_place = noisy.replace("detector_noisy", "detector")
    assert same_place.replace(str(demo / "noisy.json"), str(run / "refined" / "refined.json")) == refined


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
    found = measure_bags(run, images=100).columns()
    annotations = json.loads((demo / "noisy.json").read_text())["annotations"]
    assert {name: len(values) for name, values in found.items()} == dict.fromkeys(
        ("before", "best_of_a", "best_of_b", "best_of_c", "chosen", "merged"), len(annotations)
    )
    noisy, true = (corners([entry[key] for entry in annotations]) for key in ("bbox", "true_bbox"))
    assert sorted(found["before"].tolist()) == pytest.approx(sorted(iou(noisy, true).tolist()), abs=1e-5)
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


def test_a_finished_run_is_left_as_it_is(unbroken, setting, demo):
    run, _ = unbroken
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*.json") if path.parent != run}
    spelt_otherwise = [f"--output={os.path.relpath(run)}", f"--image_root={demo / 'images' / '..' / 'images'}"]
    result = ssd_det(*setting, *spelt_otherwise)
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("finished before") == 5
    assert {path: path.stat().st_mtime_ns for path in before} == before
    detectors = json.loads((run / "results.json").read_text())["detectors"]
    assert detectors["refined"]
    assert detectors["noisy"] is None, "a baseline of an earlier call, which may have had other settings"


def stop_when(setting, run, condition, kill):
    """Start the pipeline, and stop it as soon as a file of the run is there."""
    command = [sys.executable, "-m", "ssd_det", *setting, f"--output={run}"]
    process = subprocess.Popen(
        command,
        env={**os.environ, **LIMITED},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        # A shell's background job ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads here)
    )
    deadline = time.monotonic() + 300
    while not (run / condition).exists():
        assert process.poll() is None, process.stdout.read()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    kill(process)
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


def kill_parent(process):
    process.kill()


def press_control_c(process):
    os.killpg(process.pid, signal.SIGINT)


def test_a_run_that_was_stopped_in_every_stage_ends_with_the_same_products(unbroken, setting, tmp_path):
    run = tmp_path / "stopped"
    for condition, kill in (
        ("refiner/checkpoints/last.ckpt", kill_parent),
        ("refined/stage.json", kill_parent),
        ("detector/checkpoints/last.ckpt", press_control_c),
        ("test/stage.json", kill_parent),
    ):
        code, printed = stop_when(setting, run, condition, kill)
        assert code == (130 if kill is press_control_c else -signal.SIGKILL), printed
        if kill is press_control_c:
            assert "the same command goes on from there" in printed
    result = ssd_det(*setting, f"--output={run}")
    assert result.returncode == 0, result.stderr
    assert "[5/5] test detector: goes on" in result.stdout
    whole, _ = unbroken
    assert len(list((run / "refiner").glob("metrics.*.csv"))) == 1, "the refiner went on from its checkpoint"
    boxes = [
        [entry["bbox"] for entry in json.loads((folder / "refined" / "refined.json").read_text())["annotations"]]
        for folder in (whole, run)
    ]
    for one, other in zip(*boxes, strict=True):
        assert one == pytest.approx(other, abs=1e-3)
    first, second = (json.loads((folder / "test" / "metrics.json").read_text()) for folder in (whole, run))
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert value == pytest.approx(second[name], abs=1e-6), name


def test_a_joint_model_is_one_setting_away(setting, tmp_path):
    """Joint, refine, retrain: the joint model's own detector is tested as well."""
    run = tmp_path / "joint"
    joint = setting[1].partition("=")[2].replace("pipeline.yaml", "tiny_joint.yaml")
    shorter = [f"--{section}.trainer.max_epochs=1" for section in ("refine", "detect")]
    result = ssd_det(*setting, f"--output={run}", f"--refine.config={joint}", *shorter)
    assert result.returncode == 0, result.stderr
    for line in ("[1/6] fit joint model", "[2/6] test joint model", "[4/6] refine annotations", "[6/6] test detector"):
        assert line in result.stdout
    assert len(measure_bags(run, images=100).merged) > 0
    results = json.loads((run / "results.json").read_text())
    for boxes, folder in (("joint", "test_joint"), ("refined", "test")):
        assert results["detectors"][boxes] == json.loads((run / folder / "metrics.json").read_text())
    assert str(run / "joint" / "checkpoints" / "last.ckpt") in (run / "refined" / "stage.json").read_text()
    assert f"annotations: {run / 'refined' / 'refined.json'}" in (run / "detector" / "config.yaml").read_text()


def refused(capsys, words, message, code=2):
    assert main(words) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("ssd-det: error: ") == 1
    assert "Traceback" not in error


def test_under_torchrun_it_names_the_single_commands(setting, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    refused(capsys, [*setting, f"--output={tmp_path / 'run'}"], "use the single commands fit, refine-annotations")
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_else_in_it_is_refused(setting, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / ".lock").write_text("")
    refused(capsys, [*setting, f"--output={tmp_path}"], "is not empty and holds no run of the pipeline")
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "mine.txt"}


def test_a_run_on_other_inputs_is_refused(unbroken, setting, demo, capsys):
    run, _ = unbroken
    words = [*setting, f"--output={run}", f"--annotations={demo / 'train.json'}"]
    refused(capsys, words, "is a run with another configuration: its annotations is")


def test_a_run_in_use_is_refused(unbroken, setting, capsys):
    run, _ = unbroken
    with locked(run):
        refused(capsys, [*setting, f"--output={run}"], f"is in use by process {os.getpid()}")


def test_other_categories_in_the_test_file_are_named_before_any_work(setting, demo, tmp_path, capsys):
    content = json.loads((demo / "test.json").read_text())
    content["categories"][0]["name"] = "blob"
    (tmp_path / "test.json").write_text(json.dumps(content))
    words = [*setting, f"--output={tmp_path / 'run'}", f"--test_annotations={tmp_path / 'test.json'}"]
    refused(capsys, words, "test.json has 1 blob")
    assert not (tmp_path / "run").exists()


def test_missing_images_and_empty_files_are_named_before_any_work(setting, demo, tmp_path, capsys):
    refused(capsys, [*setting, f"--output={tmp_path / 'a'}", f"--image_root={tmp_path}"], "image files are not in")
    content = json.loads((demo / "noisy.json").read_text())
    for entry in content["annotations"]:
        entry["bbox"] = [0, 0, 0, 0]
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    words = [*setting, f"--output={tmp_path / 'a'}", f"--annotations={tmp_path / 'noisy.json'}"]
    refused(capsys, words, "no images with boxes")
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--detect.model.detector=yolo", "The configuration of detect cannot be used"),
        ("--refine.trainer.callbacks=null", "refine: trainer.callbacks has no ModelCheckpoint with the filename last"),
        ("--detect.trainer.logger.init_args.save_dir=logs", "detect: trainer.logger has the save_dir logs"),
        ("--refine.seed_everything=true", "refine: seed_everything is True: give a number"),
        ("--detect.config={refine}", "detect: model.class_path is RefineTask: give a configuration of DetectTask"),
        ("--refine.data.annotations=other.json", "--refine.data.annotations is set by the pipeline: leave it out"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_named_before_any_work(setting, tmp_path, capsys, word, message):
    tiny_refine = setting[1].partition("=")[2].replace("pipeline.yaml", "tiny_refine.yaml")
    word = word.format(refine=tiny_refine)
    refused(capsys, [*setting, f"--output={tmp_path / 'run'}", word], message)
    assert not (tmp_path / "run" / "refiner").exists()


def test_words_for_a_section_go_to_its_fit():
    words = ["--output=a", "--refine.model.ratios", "[1.0]", "--refine.config=b", "--detect.trainer.devices=2"]
    own, overrides = _split([*words, "--baselines", "--refine.settings", "{}"])
    assert own == ["--output=a", "--refine.config=b", "--baselines", "--refine.settings", "{}"]
    assert overrides == {"refine": ["--model.ratios", "[1.0]"], "detect": ["--trainer.devices=2"]}
