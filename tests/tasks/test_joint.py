"""Training jointly, and what is made of a checkpoint: a detector, a refiner, an exported detector."""

import json

import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.joint_datamodule import JointDataModule
from ssd_det.errors import InputError
from ssd_det.main import main
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.export import detector_checkpoint
from ssd_det.tasks.joint import DetectionWeights, JointTask
from ssd_det.tasks.refine import RefineTask
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_JOINT
from tests.tasks.test_detect import trainer
from tests.words import QUIET, options

CLASSES = ["--model=ssd_det.tasks.joint.JointTask", "--data=ssd_det.batches.joint_datamodule.JointDataModule"]
TINY = [*CLASSES, *options("model", TINY_JOINT), *options("data", TINY_DATA), *QUIET]
METRICS = "--trainer.callbacks=ssd_det.callbacks.detection_metrics.DetectionMetrics"


def joint_data(demo):
    files = {"annotations": str(demo / "noisy.json"), "test_annotations": str(demo / "test.json")}
    return JointDataModule(**files, image_root=str(demo / "images"), **TINY_DATA)


@pytest.fixture(scope="module")
def trained(demo, tmp_path_factory):
    """The folder of a joint model trained for an epoch, and the trainer with what it logged."""
    folder = tmp_path_factory.mktemp("joint")
    running = trainer(folder, max_epochs=1)
    running.fit(JointTask(**TINY_JOINT), datamodule=joint_data(demo))
    return folder, running


@pytest.fixture
def checkpoint(trained):
    return trained[0] / "checkpoints" / "last.ckpt"


def test_every_term_is_logged_with_its_weight_and_the_sum(trained):
    logged = trained[1].logged_metrics
    terms = {"spsd", "stage1_mil", "stage1_regression", "stage2_mil", "negatives", "sisd"}
    terms |= {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}
    assert set(logged) == terms | {"loss", "omega", "learning_rate"}
    assert logged["loss"].item() == pytest.approx(sum(logged[name].item() for name in terms), rel=1e-5)


def test_weights_of_the_detector_are_settings(demo, tmp_path):
    logged = []
    for weight in (1.0, 4.0):
        torch.manual_seed(0)
        task = JointTask(**TINY_JOINT, detection_weights=DetectionWeights(loss_objectness=weight))
        running = trainer(tmp_path / str(weight), max_steps=1)
        running.fit(task, datamodule=joint_data(demo))
        logged.append(running.logged_metrics)
    assert logged[1]["loss_objectness"].item() == pytest.approx(4 * logged[0]["loss_objectness"].item(), rel=1e-5)
    assert logged[1]["loss_rpn_box_reg"].item() == pytest.approx(logged[0]["loss_rpn_box_reg"].item(), rel=1e-5)


def test_the_detector_resizes_as_the_data_does(checkpoint):
    task = JointTask()
    task.restore(checkpoint)
    assert task.joint.detector.transform.min_size == (TINY_DATA["shortest_side"],)
    assert task.joint.detector.transform.max_size == TINY_DATA["longest_side"]


def test_the_exported_detector_predicts_bit_for_bit_as_the_joint_model(demo, checkpoint, tmp_path):
    joint, exported = JointTask(), DetectTask()
    joint.restore(checkpoint)
    path = tmp_path / "detector.ckpt"
    torch.save(detector_checkpoint(checkpoint), path)
    exported.restore(path)
    assert exported.hparams["detector"] == "faster_rcnn"
    batch = next(iter(joint_data(demo).test_dataloader()))
    with torch.no_grad():
        found = [task.eval().joint.detector if task is joint else task.eval().detector for task in (joint, exported)]
        first, second = (detector(batch.images) for detector in found)
    assert sum(len(image["boxes"]) for image in first) > 0
    for one, other in zip(first, second, strict=True):
        for name in ("boxes", "labels", "scores"):
            assert_close(one[name], other[name], rtol=0, atol=0)


def test_the_command_exports_what_test_and_predict_take(demo, checkpoint, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["export-detector", str(checkpoint), "--output=detector.ckpt"]) == 0
    data = [f"--data.test_annotations={demo / 'test.json'}", f"--data.image_root={demo / 'images'}"]
    joint = ["test", *TINY, *data, f"--ckpt_path={checkpoint}", METRICS, "--trainer.default_root_dir=joint"]
    assert main(joint) == 0
    classes = ["--model=DetectTask", "--data=DetectDataModule", "--data.num_workers=0"]
    assert main(["test", *classes, *data, "--ckpt_path=detector.ckpt", "--trainer.default_root_dir=alone", *QUIET]) == 0
    measured = [json.loads((tmp_path / name / "metrics.json").read_text()) for name in ("joint", "alone")]
    assert measured[0] == measured[1]
    results = [json.loads((tmp_path / name / "predictions.json").read_text()) for name in ("joint", "alone")]
    assert results[0] == results[1]
    words = ["fit", *classes, "--data.annotations", str(demo / "noisy.json"), data[1], *QUIET]
    capsys.readouterr()
    assert main([*words, "--ckpt_path=detector.ckpt", "--trainer.default_root_dir=more"]) == 2
    assert "detector.ckpt: holds weights alone, no training can go on from it" in capsys.readouterr().err
    assert main(["export-detector", str(checkpoint), "--output=detector.ckpt"]) == 2
    assert "detector.ckpt: exists already" in capsys.readouterr().err


EMPTY = {"settings": {}, "categories": [{"id": 1, "name": "cat"}], "state_dict": {"a": torch.zeros(1)}}


@pytest.mark.parametrize(
    ("kind", "message"), [(RefineTask, "but of a refiner: give one that fit wrote for a joint model"), (None, "is not")]
)
def test_export_takes_a_joint_model_and_nothing_else(kind, message, demo, tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save({**EMPTY, "task": "refiner"} if kind else {}, path)
    with pytest.raises(InputError, match=message):
        detector_checkpoint(path)


def test_export_refuses_a_joint_model_that_is_not_whole(tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save({**EMPTY, "task": "joint model"}, path)
    with pytest.raises(InputError, match="is not a whole checkpoint of a joint model"):
        detector_checkpoint(path)


def test_refining_takes_a_joint_checkpoint_with_either_configuration(demo, checkpoint, tmp_path):
    shared = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    shared += [f"--checkpoint={checkpoint}", "--min_score=0", *QUIET]
    joint, refiner = (tmp_path / f"{name}.json" for name in ("joint", "refiner"))
    assert main(["refine-annotations", *TINY, *shared, METRICS, f"--output={joint}"]) == 0
    data = options("data", TINY_DATA)
    assert main(["refine-annotations", *data, *shared, f"--output={refiner}"]) == 0
    assert joint.read_bytes() == refiner.read_bytes()
    noisy = json.loads((demo / "noisy.json").read_text())["annotations"]
    refined = json.loads(joint.read_text())["annotations"]
    assert [entry["id"] for entry in refined] == [entry["id"] for entry in noisy]
    assert any(one["bbox"] != other["bbox"] for one, other in zip(refined, noisy, strict=True))


def test_its_own_refiner_makes_the_same_boxes(demo, checkpoint):
    """What refine-annotations loads is the refiner that was trained."""
    joint, alone = JointTask(), RefineTask()
    joint.restore(checkpoint)
    alone.restore(checkpoint)
    batch = next(iter(joint_data(demo).to_refine().loader(1)))
    with torch.no_grad():
        expected = joint.joint.refiner.eval()(batch.images, batch.objects).refined
        found = alone.eval()(batch).refined
    assert_close(found, expected, rtol=0, atol=0)


def test_a_refiner_cannot_go_on_from_a_joint_checkpoint(demo, checkpoint, tmp_path, capsys):
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    words = ["fit", *options("data", TINY_DATA), *data, *QUIET, f"--ckpt_path={checkpoint}"]
    assert main([*words, f"--trainer.default_root_dir={tmp_path}"]) == 2
    assert "is not a checkpoint of a refiner but of a joint model" in capsys.readouterr().err


def test_without_annotations_it_says_so(demo, checkpoint, tmp_path, capsys):
    words = ["refine-annotations", *TINY, f"--checkpoint={checkpoint}", f"--output={tmp_path / 'a.json'}"]
    assert main(words) == 2
    assert "data.annotations is not given" in capsys.readouterr().err


def test_two_processes_train_jointly(demo, tmp_path):
    data = [f"--data.annotations={demo / 'noisy.json'}", f"--data.image_root={demo / 'images'}"]
    last = ["--trainer.callbacks=ModelCheckpoint", "--trainer.callbacks.filename=last"]
    words = [*TINY, *data, *last, "--trainer.devices=2", "--trainer.max_epochs=1", "--trainer.logger=false"]
    result = ssd_det("fit", *words, "--data.batch_size=1", f"--trainer.default_root_dir={tmp_path}", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    saved = torch.load(next(tmp_path.rglob("last.ckpt")), weights_only=True)
    assert saved["task"] == "joint model"
    assert saved["global_step"] == 3


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"proposals": 0}, "model.proposals is 0"), ({"candidates": 0}, "model.candidates is 0")],
)
def test_settings_out_of_range_are_named(settings, message):
    with pytest.raises(InputError, match=message):
        JointTask(**settings)
