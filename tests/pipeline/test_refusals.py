"""What the pipeline refuses before any work is done."""

import json
import os
from dataclasses import replace

import pytest

from ssd_det.main import main
from ssd_det.pipeline.given_sections import split_words
from ssd_det.pipeline.lock import locked
from ssd_det.pipeline.run_folder import open_run
from ssd_det.pipeline.run_settings import Inputs
from ssd_det.runs.records import ResolvedSection, RunRecord
from tests.annotations.formats.folders import make_yolo

pytestmark = pytest.mark.usefixtures("shared_starter")


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


def test_more_folds_than_images_are_refused_before_anything_is_written(words, tmp_path, capsys):
    refused(capsys, [*words, f"--output={tmp_path / 'run'}", "--folds=1000"], "cannot be dealt out to 1000 folds")
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


def test_other_inputs_are_taken_until_a_stage_has_begun(words, demo, tmp_path, capsys):
    images = str(demo / "images")
    inputs = {"annotations": str(demo / "train.json"), "image_root": images, "test_image_root": images}
    classes = {name: {"class_path": "X", "init_args": {}} for name in ("model", "data")}
    detect = ResolvedSection([], {**classes, "trainer": {"logger": False, "callbacks": []}})
    record = RunRecord({**inputs, "test_annotations": str(demo / "test.json")}, {"detect": detect})
    (tmp_path / "run.json").write_text(json.dumps(record.to_json()))
    asked = [*words, f"--output={tmp_path}", "--refine.seed_everything=true"]
    refused(capsys, asked, "refine: seed_everything is True")
    (tmp_path / "refiner").mkdir()
    (tmp_path / "refiner" / "stage.json").write_text("{}")
    refused(capsys, asked, "is a run with another configuration: its annotations is")


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


@pytest.mark.parametrize("name", ["annotations", "test_annotations"])
def test_an_image_of_another_size_is_named_before_anything_is_written(words, demo, tmp_path, capsys, name):
    content = json.loads((demo / "test.json").read_text())
    content["images"][-1]["width"] += 1
    (tmp_path / "other.json").write_text(json.dumps(content))
    given = [*words, f"--output={tmp_path / 'run'}", f"--{name}={tmp_path / 'other.json'}"]
    refused(capsys, given, "but the annotation file says")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (
            "--detect.model.detector=yolo",
            "The configuration of detect cannot be used: model.detector is yolo: give faster_rcnn, retinanet or fcos.",
        ),
        (
            '--refine.settings={{"trainer": {{"max_epochs": "lots"}}}}',
            "refine.yaml: trainer.max_epochs is lots: give an integer or null.",
        ),
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


def test_a_corrected_configuration_may_have_the_same_output(words, configs, tmp_path, capsys):
    for name in ("refine", "detect"):
        settings = f'--{name}.settings={{"trainer": {{"max_epochs": "lots"}}}}'
        refused(capsys, [*words, f"--output={tmp_path}", settings], f"The configuration of {name} cannot be used")
    assert (tmp_path / "detect.yaml").is_file()


@pytest.fixture
def two_folders(make_image, tmp_path):
    """Training and test images of the same names in two folders, and the words for a pipeline on them."""
    content = {
        "images": [{"id": 1, "file_name": "0.png", "width": 40, "height": 30}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    for number, folder in enumerate(("train", "test")):
        make_image(f"{folder}/0.png")
        boxes = [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [4 + number, 5, 10, 12]}]
        (tmp_path / folder / "boxes.json").write_text(json.dumps({**content, "annotations": boxes}))
    words = [f"--annotations={tmp_path / 'train' / 'boxes.json'}", f"--image_root={tmp_path / 'train'}"]
    return [*words, f"--test_annotations={tmp_path / 'test' / 'boxes.json'}", f"--output={tmp_path / 'run'}"]


def test_a_test_on_pictures_of_the_training_with_other_boxes_is_refused(words, two_folders, tmp_path, capsys):
    message = f"1 of 1 images are files that {tmp_path / 'train' / 'boxes.json'} has with other boxes"
    refused(capsys, [*words, *two_folders], message)
    refused(capsys, [*words, *two_folders], "give --test_image_root, the folder")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("folder", ["test", "train"])
def test_a_folder_of_test_images_that_is_given_is_taken(words, two_folders, tmp_path, capsys, folder):
    given = [f"--test_image_root={tmp_path / folder}", "--refine.seed_everything=true"]
    refused(capsys, [*words, *two_folders, *given], "refine: seed_everything is True")
    assert "trained on as well" not in capsys.readouterr().out


def test_a_test_on_what_is_trained_on_is_done_with_a_warning(words, two_folders, tmp_path, capsys):
    same = [f"--test_annotations={tmp_path / 'train' / 'boxes.json'}", "--refine.seed_everything=true"]
    assert main([*words, *two_folders, *same]) == 2
    printed = capsys.readouterr()
    assert "seed_everything" in printed.err
    assert "Warning: " in printed.out
    assert "1 of 1 images are trained on as well" in printed.out


def test_missing_images_are_left_out_where_that_is_asked_for(words, two_folders, tmp_path, capsys):
    path = tmp_path / "train" / "boxes.json"
    content = json.loads(path.read_text())
    content["images"].append({**content["images"][0], "id": 2, "file_name": "gone.png"})
    path.write_text(json.dumps(content))
    asked = [*words, *two_folders, f"--test_image_root={tmp_path / 'test'}", "--refine.seed_everything=true"]
    refused(capsys, asked, "1 of 2 image files are not in")
    assert main([*asked, "--skip_missing_images"]) == 2
    printed = capsys.readouterr()
    assert f"1 of 2 image files are not in {tmp_path / 'train'} and are left out: gone.png." in printed.out
    assert "seed_everything" in printed.err
    (tmp_path / "train" / "0.png").unlink()
    refused(capsys, [*asked, "--skip_missing_images"], "2 of 2 image files are not in")


def test_words_for_a_section_go_to_its_fit():
    words = ["--output=a", "--refine.model.ratios", "[1.0]", "--refine.config=b", "--detect.trainer.devices=2"]
    pipeline_words, overrides = split_words([*words, "--baselines", "--refine.settings", "{}"])
    assert pipeline_words == ["--output=a", "--refine.config=b", "--baselines", "--refine.settings", "{}"]
    assert overrides == {"refine": ["--model.ratios", "[1.0]"], "detect": ["--trainer.devices=2"]}


def test_rows_of_a_folder_are_what_they_are_said_to_be(words, tmp_path, capsys):
    rows = b"0 0.5 0.5 0.2 0.2 0.9 1\n"  # a box with confidence and track id, or a triangle
    folder = make_yolo(tmp_path / "yolo", labels={"a": rows})
    asked = [*words, f"--annotations={folder}", f"--image_root={folder}", f"--test_annotations={folder}"]
    asked += [f"--test_image_root={folder}", f"--output={tmp_path / 'run'}", "--refine.seed_everything=true"]
    refused(capsys, asked, "labels/a.txt: line 1: has 7 columns, which may be")
    refused(capsys, [*asked, "--yolo_rows=boxes"], "refine: seed_everything is True")


def test_trusted_boxes_that_do_not_belong_to_the_file_are_refused_before_anything_is_written(
    words, demo, tmp_path, capsys
):
    asked = [*words, f"--output={tmp_path / 'run'}"]
    refused(capsys, [*asked, f"--trusted={demo / 'test.json'}"], "test.json: has boxes of images that")
    refused(capsys, [*asked, f"--trusted={demo / 'noisy.json'}"], 'none of its annotations has "trusted": true')
    refused(capsys, [*asked, f"--trusted={tmp_path / 'none.json'}"], "none.json")
    assert not (tmp_path / "run").exists()


def test_more_trusted_boxes_are_a_step_of_the_same_run(demo, tmp_path):
    inputs = Inputs(*(str(demo / name) for name in ("noisy.json", "images", "test.json", "images")))
    first, second = (str(demo / name) for name in ("train.json", "test.json"))
    (tmp_path / "run.json").write_text(json.dumps(open_run(tmp_path, replace(inputs, trusted=first)).to_json()))
    (tmp_path / "corrected").mkdir()
    (tmp_path / "corrected" / "stage.json").write_text("{}")
    assert open_run(tmp_path, replace(inputs, trusted=second)).inputs["trusted"] == second
    assert "trusted" not in open_run(tmp_path, inputs).inputs
