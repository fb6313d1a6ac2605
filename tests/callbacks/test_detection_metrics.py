"""What is written and measured, on one process and on two."""

import csv
import json

import pytest

from ssd_det.main import main
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_JOINT
from tests.words import QUIET, logging_to, options

DETECTOR = [
    "--model=ssd_det.tasks.detect.DetectTask",
    *options("model", TINY_DETECTOR),
    "--data=ssd_det.batches.detect_datamodule.DetectDataModule",
    "--data.num_workers=0",
    "--trainer.callbacks=ssd_det.callbacks.detection_metrics.DetectionMetrics",
    *QUIET,
]


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """A checkpoint of a detector trained for an epoch."""
    folder = tmp_path_factory.mktemp("trained")
    data = [f"--data.annotations={demo / 'train.json'}", f"--data.image_root={demo / 'images'}"]
    words = ["fit", *DETECTOR, *data, "--trainer.max_epochs=1", f"--trainer.default_root_dir={folder}"]
    assert main([*words, "--trainer.logger=false"]) == 0
    return next(folder.rglob("*.ckpt"))


def words_for(demo, checkpoint, folder, *more, file=None):
    data = [f"--data.test_annotations={file or demo / 'test.json'}", f"--data.image_root={demo / 'images'}"]
    return [*DETECTOR, *data, f"--ckpt_path={checkpoint}", f"--trainer.default_root_dir={folder}", *more]


def test_testing_writes_results_and_figures(demo, trained, tmp_path):
    more = ["--trainer.callbacks.per_class=true"]
    assert main(["test", *words_for(demo, trained, tmp_path, *more)]) == 0
    folder = next(tmp_path.rglob("metrics.json")).parent
    measured = json.loads((folder / "metrics.json").read_text())
    assert 0 <= measured["ap"] <= measured["ap_50"] <= 1
    assert measured["images"] == 4
    assert set(measured["by_category"]) == {"ellipse", "triangle", "ring", "cross"}
    found = json.loads((folder / "predictions.json").read_text())
    assert measured["detections"] == len(found) > 0
    assert set(found[0]) == {"image_id", "category_id", "bbox", "score"}


def test_predicting_writes_the_same_results(demo, trained, tmp_path):
    assert main(["test", *words_for(demo, trained, tmp_path / "a")]) == 0
    assert main(["predict", *words_for(demo, trained, tmp_path / "b")]) == 0
    paths = [next((tmp_path / name).rglob("predictions.json")) for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert not list((tmp_path / "b").rglob("metrics.json"))


def test_predicting_writes_results_whatever_the_callbacks(demo, trained, tmp_path):
    assert main(["predict", *words_for(demo, trained, tmp_path, "--trainer.callbacks=null")]) == 0
    assert list(tmp_path.rglob("predictions.json"))


def test_two_processes_with_uneven_shares_measure_as_one(demo, trained, tmp_path):
    """Three images for two processes: one of them is repeated to fill the shares, and must count once."""
    content = json.loads((demo / "test.json").read_text())
    content["images"] = content["images"][:3]
    kept = {image["id"] for image in content["images"]}
    content["annotations"] = [entry for entry in content["annotations"] if entry["image_id"] in kept]
    three = tmp_path / "three.json"
    three.write_text(json.dumps(content))
    single = words_for(demo, trained, tmp_path / "one", "--data.batch_size=1", file=three)
    assert main(["test", *single]) == 0
    double = words_for(demo, trained, tmp_path / "two", "--data.batch_size=1", file=three)
    result = ssd_det("test", *double, "--trainer.devices=2")
    assert result.returncode == 0, result.stderr
    one, two = (
        [json.loads(next((tmp_path / folder).rglob(name)).read_text()) for name in ("metrics.json", "predictions.json")]
        for folder in ("one", "two")
    )
    assert len(two[1]) == len(one[1])
    assert two[0]["images"] == 3
    for name in ("ap", "ap_50", "ap_75", "voc_ap_50"):
        assert two[0][name] == pytest.approx(one[0][name], abs=1e-6)


def test_an_image_that_does_not_decode_is_named(demo, trained, tmp_path, capsys):
    images = tmp_path / "images"
    images.mkdir()
    for path in (demo / "images").iterdir():
        (images / path.name).write_bytes(path.read_bytes())
    (images / "0008.png").write_bytes(b"nothing")
    words = words_for(demo, trained, tmp_path, f"--data.image_root={images}")
    assert main(["test", *words]) == 2
    assert "0008.png: image 8 does not decode" in capsys.readouterr().err
    assert not list(tmp_path.rglob("metrics.json"))


@pytest.mark.parametrize(
    ("command", "change", "message"),
    [
        ("test", "--data.test_annotations=null", "data.test_annotations is not given"),
        ("test", "--ckpt_path=null", "test has no checkpoint: give --ckpt_path"),
        ("test", "--ckpt_path=last", "ckpt_path is last, a word of Lightning: give the path of a checkpoint"),
        ("test", "--trainer.limit_test_batches=1", "Only 2 of 4 images were processed"),
        ("refine-annotations", "--checkpoint=a", "A detector cannot run refine-annotations"),
    ],
)
def test_what_is_missing_is_named(demo, trained, tmp_path, capsys, command, change, message):
    words = words_for(demo, trained, tmp_path, change)
    if command == "refine-annotations":
        words = [*(word for word in words if not word.startswith("--ckpt_path")), "--output=b"]
    assert main([command, *words]) == 2
    assert message in capsys.readouterr().err


def test_a_test_file_with_other_categories_is_refused(demo, trained, tmp_path, capsys):
    content = json.loads((demo / "test.json").read_text())
    content["categories"][1]["name"] = "blob"
    (tmp_path / "other.json").write_text(json.dumps(content))
    assert main(["test", *words_for(demo, trained, tmp_path, file=tmp_path / "other.json")]) == 2
    error = capsys.readouterr().err
    assert "other.json has 2 blob; only the training data has 2 triangle" in error


def test_an_unknown_detector_is_answered_with_the_known_ones(capsys):
    with pytest.raises(SystemExit) as end:
        main(["fit", "--model=ssd_det.tasks.detect.DetectTask", "--model.detector=yolo"])
    assert end.value.code == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert all(name in error for name in ("faster_rcnn", "retinanet", "fcos"))


VALIDATED = {"validation_ap", "validation_ap_50", "validation_ap_75", "validation_voc_ap_50"}


@pytest.mark.parametrize("kind", ["DetectTask", "JointTask"])
def test_a_training_is_tested_after_each_epoch(demo, tmp_path, kind):
    joint = [
        f"--model={kind}",
        *options("model", TINY_JOINT),
        "--data=JointDataModule",
        *options("data", TINY_DATA),
        *QUIET,
    ]
    words = [*(joint if kind == "JointTask" else DETECTOR), *logging_to(tmp_path), "--trainer.max_epochs=2"]
    words += [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    best = {"class_path": "ModelCheckpoint", "init_args": {"monitor": "validation_ap", "mode": "max"}}
    best["init_args"]["dirpath"] = str(tmp_path / "best")
    words += [f"--data.val_annotations={demo / 'test.json'}", f"--trainer.callbacks={json.dumps([best])}"]
    assert main(["fit", *words]) == 0
    with (tmp_path / "metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["validation_ap"]]
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert rows[0].keys() >= VALIDATED
    [checkpoint] = (tmp_path / "best").iterdir()
    assert main(["validate", *words, f"--ckpt_path={checkpoint}"]) == 0
    tested = [f"--data.test_annotations={demo / 'test.json'}", f"--trainer.default_root_dir={tmp_path / 'tested'}"]
    assert main(["test", *words, *tested, "--trainer.logger=false", f"--ckpt_path={checkpoint}"]) == 0
    ap = json.loads(next(tmp_path.rglob("metrics.json")).read_text())["ap"]
    assert ap == pytest.approx(max(float(row["validation_ap"]) for row in rows), abs=1e-6)


def test_validating_needs_boxes_to_validate_on(demo, trained, tmp_path, capsys):
    words = words_for(demo, trained, tmp_path)
    assert main(["validate", *words]) == 2
    assert "data.val_annotations is not given" in capsys.readouterr().err
    assert main(["validate", *words, f"--data.val_annotations={demo / 'test.json'}"]) == 0
    assert "validation_ap_50" in capsys.readouterr().out
