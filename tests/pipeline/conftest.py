"""Tiny configurations, a run with them that was never stopped, and a stage whose commands are played."""

import pytest
import yaml

from ssd_det.pipeline.stage import Stage
from tests.command import ssd_det
from tests.conftest import TINY_DATA, TINY_DETECTOR, TINY_JOINT, TINY_MODEL

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
METRICS = {"class_path": "DetectionMetrics"}
OPTIMISATION = {"optimizer": "adamw", "learning_rate": 1e-3, "warmup_steps": 2, "milestones": [1]}


def write_configs(folder):
    """Write tiny configurations of all tasks, and ``pipeline.yaml``, which names those of two."""
    refine = {
        "model": {"class_path": "RefineTask", "init_args": {**TINY_MODEL, **OPTIMISATION}},
        "data": {"class_path": "RefineDataModule", "init_args": TINY_DATA},
        "trainer": {**TRAINER, "callbacks": [LAST]},
    }
    detect = {
        "model": {"class_path": "DetectTask", "init_args": {**TINY_DETECTOR, **OPTIMISATION}},
        "data": {"class_path": "DetectDataModule", "init_args": {"batch_size": 2, "num_workers": 0}},
        "trainer": {**TRAINER, "callbacks": [METRICS, LAST]},
    }
    joint = {
        "model": {"class_path": "JointTask", "init_args": {**TINY_JOINT, **OPTIMISATION}},
        "data": {"class_path": "JointDataModule", "init_args": TINY_DATA},
        "trainer": {**TRAINER, "callbacks": [METRICS, LAST]},
    }
    for name, content in (("refine", refine), ("detect", detect), ("joint", joint)):
        (folder / f"tiny_{name}.yaml").write_text(yaml.safe_dump(content))
    sections = {name: {"config": f"tiny_{name}.yaml"} for name in ("refine", "detect")}
    (folder / "pipeline.yaml").write_text(yaml.safe_dump(sections))


@pytest.fixture(scope="session")
def configs(tmp_path_factory):
    """The folder of the tiny configurations."""
    folder = tmp_path_factory.mktemp("configs")
    write_configs(folder)
    return folder


@pytest.fixture(scope="session")
def words(configs, demo):
    """The words of a pipeline on the demo's data, but for the output."""
    return [
        "pipeline",
        f"--config={configs / 'pipeline.yaml'}",
        f"--annotations={demo / 'noisy.json'}",
        f"--image_root={demo / 'images'}",
        f"--test_annotations={demo / 'test.json'}",
    ]


@pytest.fixture(scope="module")
def unbroken(words, tmp_path_factory):
    """The folder of a run that was never stopped, and what it printed."""
    run = tmp_path_factory.mktemp("runs") / "unbroken"
    result = ssd_det(*words, f"--output={run}", "--baselines")
    assert result.returncode == 0, result.stderr
    return run, result.stdout


@pytest.fixture
def stage(tmp_path):
    (tmp_path / "input.json").write_text("1")
    settings = {"model": {"init_args": {"learning_rate": 0.1, "weights": None}}, "trainer": {"max_epochs": 2}}
    folder = tmp_path / "stage"
    return Stage(
        "do it", folder, [["prepare"], ["fit", "--x"]], [tmp_path / "input.json"], ["product.json"], settings, True
    )
