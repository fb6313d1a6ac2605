"""Configurations name our classes without their modules; dotted paths of earlier layouts go on working."""

import pytest
import yaml

from ssd_det.class_names import SHORT_NAMES
from ssd_det.cli import NAMED
from ssd_det.main import main

SHORT = {
    "model": {"class_path": "JointTask", "init_args": {"backbone": "resnet18", "ratios": [1.0, 1.5]}},
    "data": {"class_path": "JointDataModule", "init_args": {"batch_size": 3}},
    "trainer": {
        "logger": [{"class_path": "CSVLogger", "init_args": {"save_dir": ""}}],
        "callbacks": [
            {"class_path": "BoxQuality"},
            {"class_path": "ModelCheckpoint", "init_args": {"filename": "last"}},
            {"class_path": "DetectionMetrics", "init_args": {"per_class": True}},
        ],
    },
}
FORMER = {
    "JointTask": "ssd_det.tasks.joint.JointTask",
    "JointDataModule": "ssd_det.data.joint_datamodule.JointDataModule",
    "BoxQuality": "ssd_det.callbacks.box_quality.BoxQuality",
    "DetectionMetrics": "ssd_det.callbacks.detections.DetectionMetrics",
}


def printed(words, capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["fit", *words, "--print_config"])
    return capsys.readouterr().out


def test_every_short_name_is_that_of_a_class_that_is_imported():
    assert {named.__name__ for named in NAMED} == SHORT_NAMES


def test_short_names_and_former_paths_are_the_same_configuration(tmp_path, capsys):
    text = yaml.safe_dump(SHORT)
    former = text
    for name, path in FORMER.items():
        former = former.replace(f"class_path: {name}\n", f"class_path: {path}\n")
    assert former != text
    for name, content in (("short", text), ("former", former)):
        (tmp_path / f"{name}.yaml").write_text(content)
    short, old = (printed([f"--config={tmp_path / name}.yaml"], capsys) for name in ("short", "former"))
    assert old == short
    settings = yaml.safe_load(short)
    assert settings["model"]["init_args"]["ratios"] == [1.0, 1.5]
    assert [callback["class_path"].rpartition(".")[2] for callback in settings["trainer"]["callbacks"]] == [
        "BoxQuality",
        "ModelCheckpoint",
        "DetectionMetrics",
    ]


def test_former_paths_work_on_the_command_line(capsys):
    new = printed(["--model=DetectTask", "--data=DetectDataModule"], capsys)
    former = ["--model=ssd_det.tasks.detect.DetectTask", "--data", "ssd_det.data.detect_datamodule.DetectDataModule"]
    assert printed(former, capsys) == new
