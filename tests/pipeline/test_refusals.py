"""What the pipeline refuses before any work is done."""

import json
import os

import pytest

from ssd_det.main import main
from ssd_det.pipeline.lock import locked
from ssd_det.pipeline.pipeline import _split
from ssd_det.runs.records import RunRecord


def refused(capsys, words, message):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("ssd-det: error: ") == 1
    assert "Traceback" not in error


def test_under_torchrun_it_names_the_single_commands(words, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    refused(capsys, [*words, f"--output={tmp_path / 'run'}"], "use the single commands fit, refine-annotations")
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_else_in_it_is_refused(words, tmp_path, capsys):
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / ".lock").write_text("")
    refused(capsys, [*words, f"--output={tmp_path}"], "is not empty and holds no run of the pipeline")
    assert {path.name for path in tmp_path.iterdir()} == {".lock", "mine.txt"}


def test_a_run_on_other_inputs_is_refused(words, demo, tmp_path, capsys):
    images = str(demo / "images")
    inputs = {"annotations": str(demo / "train.json"), "image_root": images, "test_image_root": images}
    record = RunRecord({**inputs, "test_annotations": str(demo / "test.json")}, {})
    (tmp_path / "run.json").write_text(json.dumps(record.to_json()))
    message = f"is a run with another configuration: its annotations is {demo / 'train.json'}, not {demo}"
    refused(capsys, [*words, f"--output={tmp_path}"], message)


@pytest.mark.parametrize("text", ["{", "[]", '{"inputs": {}}', '{"inputs": {"annotations": 1}, "resolved": {}}'])
def test_a_damaged_record_of_a_run_is_refused(words, tmp_path, capsys, text):
    (tmp_path / "run.json").write_text(text)
    refused(capsys, [*words, f"--output={tmp_path}"], f"{tmp_path / 'run.json'}: is not what the pipeline wrote")
    assert (tmp_path / "run.json").read_text() == text


def test_a_second_pipeline_in_a_run_is_refused(words, tmp_path, capsys):
    with locked(tmp_path):
        refused(capsys, [*words, f"--output={tmp_path}"], f"is in use by process {os.getpid()}: wait for it")
    assert not (tmp_path / "run.json").exists()


def test_other_categories_in_the_test_file_are_named(words, demo, tmp_path, capsys):
    content = json.loads((demo / "test.json").read_text())
    content["categories"][0]["name"] = "blob"
    (tmp_path / "test.json").write_text(json.dumps(content))
    more = [f"--output={tmp_path / 'run'}", f"--test_annotations={tmp_path / 'test.json'}"]
    refused(capsys, [*words, *more], "test.json has 1 blob")
    assert not (tmp_path / "run").exists()


def test_missing_images_and_empty_files_are_named(words, demo, tmp_path, capsys):
    output = f"--output={tmp_path / 'run'}"
    refused(capsys, [*words, output, f"--image_root={tmp_path}"], "image files are not in")
    content = json.loads((demo / "noisy.json").read_text())
    for entry in content["annotations"]:
        entry["bbox"] = [0, 0, 0, 0]
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    refused(capsys, [*words, output, f"--annotations={tmp_path / 'noisy.json'}"], "no images with boxes")
    assert not (tmp_path / "run").exists()


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
def test_a_configuration_that_cannot_be_used_is_named(words, configs, tmp_path, capsys, word, message):
    word = word.format(refine=configs / "tiny_refine.yaml")
    refused(capsys, [*words, f"--output={tmp_path / 'run'}", word], message)
    assert not (tmp_path / "run" / "refiner").exists()


def test_words_for_a_section_go_to_its_fit():
    words = ["--output=a", "--refine.model.ratios", "[1.0]", "--refine.config=b", "--detect.trainer.devices=2"]
    pipeline_words, overrides = _split([*words, "--baselines", "--refine.settings", "{}"])
    assert pipeline_words == ["--output=a", "--refine.config=b", "--baselines", "--refine.settings", "{}"]
    assert overrides == {"refine": ["--model.ratios", "[1.0]"], "detect": ["--trainer.devices=2"]}
