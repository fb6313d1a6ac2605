"""What the commands with a model print, and what they leave out."""

import json
import logging
import warnings

import pytest
import torch
from torchvision.models import resnet18

from ssd_det.training_output import leave_out_needless_messages
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_MODEL
from tests.words import QUIET, logging_to, options

LOGS = {
    "logger": [
        {"class_path": "CSVLogger", "init_args": {"save_dir": "", "name": "", "version": ""}},
        {"class_path": "WandbLogger", "init_args": {"offline": True}},
    ],
    "callbacks": [
        {"class_path": "BoxPanels"},
        {"class_path": "ModelCheckpoint", "init_args": {"filename": "last"}},
        {"class_path": "EMAWeightAveraging", "init_args": {"decay": 0.9}},
    ],
}


@pytest.fixture
def two_sizes(make_coco, make_image, tmp_path):
    """Words for a training on images of two sizes, in a folder that holds something already."""
    images = [{"id": key, "file_name": f"{key}.png", "width": 40 + key, "height": 30} for key in range(2)]
    for image in images:
        make_image(f"images/{image['file_name']}", image["width"])
    boxes = [{"id": key, "image_id": key, "category_id": 3, "bbox": [4, 5, 20, 12]} for key in range(2)]
    path = make_coco(images=images, annotations=boxes)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stage.json").write_text("{}")
    settings = {"accelerator": "cpu", "max_epochs": 1, "enable_progress_bar": False, "default_root_dir": "run", **LOGS}
    data = {**TINY_DATA, "annotations": str(path), "image_root": str(path.parent / "images")}
    return [*options("model", TINY_MODEL), *options("data", data), *options("trainer", settings)]


def test_a_training_says_nothing_but_where_it_runs(two_sizes, tmp_path):
    torch.save(resnet18().state_dict(), tmp_path / "weights.pth")
    words = [*two_sizes, "--model.weights=weights.pth", "--model.frozen_stages=1"]
    result = ssd_det("fit", *words, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout == "On cpu, precision 32-true: 11.2 M parameters, 157 K of them frozen.\n"
    checkpoint = next((tmp_path / "run").rglob("*.ckpt"))
    more = [f"--checkpoint={checkpoint}", "--output=refined.json"]
    result = ssd_det("refine-annotations", *words, *more, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout.count("On cpu, precision 32-true") == 1


def test_several_processes_say_it_once(demo, tmp_path):
    words = ["--model=DetectTask", *options("model", TINY_DETECTOR), "--data=DetectDataModule", "--data.num_workers=0"]
    words += [f"--data.annotations={demo / 'train.json'}", f"--data.image_root={demo / 'images'}"]
    words += [f"--data.val_annotations={demo / 'test.json'}", "--trainer.max_epochs=1", "--trainer.devices=2"]
    result = ssd_det("fit", *words, *QUIET, *logging_to("run"), cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    assert result.stdout == "On cpu and 1 more, precision 32-true: 11.3 M parameters.\n"
    assert "validation_ap" in (tmp_path / "run" / "metrics.csv").read_text()


def test_warnings_that_a_user_can_act_on_stay(two_sizes, tmp_path):
    content = json.loads((tmp_path / "noisy.json").read_text())
    content["annotations"].append({**content["annotations"][0], "id": 9, "bbox": [1, 1, 0, 0]})
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    result = ssd_det("fit", *two_sizes, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "1 of 3 annotations are not trained on" in result.stderr


def test_the_table_of_the_layers_is_there_for_those_who_ask(two_sizes, tmp_path):
    result = ssd_det("fit", *two_sizes, "--trainer.enable_model_summary=true", cwd=tmp_path)
    assert "Trainable params" in result.stdout


def test_other_messages_of_the_same_loggers_pass(caplog):
    leave_out_needless_messages()
    log = logging.getLogger("lightning.pytorch.utilities.rank_zero")
    with caplog.at_level(logging.INFO):
        for text in ("GPU available: True", "[rank: 0] TPU available: False", "No GPU available: the CPU is used"):
            log.info(text)
        logging.getLogger().warning("Images sizes do not match. And so on.")
        logging.getLogger().warning("Images are missing.")
    # wandb complains of its own runs, which earlier tests may have left.
    messages = [record.getMessage() for record in caplog.records if not record.name.startswith("wandb")]
    assert messages == ["No GPU available: the CPU is used", "Images are missing."]


def test_other_warnings_pass():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        leave_out_needless_messages()
        warnings.warn("Experiment logs directory run exists and is not empty.", UserWarning, stacklevel=1)
        warnings.warn("The learning rate is odd.", UserWarning, stacklevel=1)
    assert [str(warning.message) for warning in caught] == ["The learning rate is odd."]
