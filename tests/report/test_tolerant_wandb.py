"""wandb that fails: trainings and refining end well, with one line."""

import json

import pytest
import wandb
from lightning.pytorch.loggers import CSVLogger, WandbLogger

from ssd_det.errors import InputError
from ssd_det.report.tolerant_wandb import TolerantWandbLogger, giving_up, tolerant, working
from tests.command import ENVIRONMENT, warm_starter
from tests.conftest import TINY_DATA, TINY_MODEL
from tests.limits import ssd_det_with_disk
from tests.words import QUIET, options

LOGGER = ["--trainer.logger=WandbLogger", "--trainer.logger.offline=true", "--trainer.default_root_dir=run"]
WORKING = "nothing more is tracked; all else goes on."


def words(demo, *callbacks):
    data = {**TINY_DATA, "annotations": str(demo / "noisy.json"), "image_root": str(demo / "images")}
    listed = json.dumps([{"class_path": name} for name in ("BoxPanels", "ModelCheckpoint", *callbacks)])
    return [*options("model", TINY_MODEL), *options("data", data), *QUIET, *LOGGER, f"--trainer.callbacks={listed}"]


class Failing(WandbLogger):
    """Stands in for one whose process has ended."""

    @property
    def experiment(self):
        raise ConnectionResetError("Connection lost")


@pytest.fixture
def failing(monkeypatch):
    monkeypatch.setattr(WandbLogger, "experiment", Failing.experiment)
    return tolerant(WandbLogger(offline=True))


def test_it_says_so_once_and_takes_everything_from_then_on(failing, capsys):
    assert working([failing, CSVLogger("none")]) == [failing]
    for step in range(3):
        failing.log_metrics({"loss": 1.0}, step)
    failing.log_hyperparams({"a": 1})
    failing.finalize("success")
    failing.experiment.log({"b": 2})
    assert working([failing]) == []
    assert capsys.readouterr().out == f"Warning: wandb has failed (Connection lost): {WORKING}\n"


def test_what_is_not_about_wandb_is_still_an_error(failing):
    with pytest.raises(InputError, match=r"a\.png does not decode"), giving_up(failing):
        raise InputError("a.png does not decode")
    assert not failing.has_given_up


def test_a_run_that_cannot_be_ended_is_not_the_next_training_s(failing, monkeypatch):
    def fail(exit_code):
        raise ConnectionResetError("Connection lost")

    monkeypatch.setattr(wandb, "run", object())
    for name in ("finish", "teardown"):
        monkeypatch.setattr(wandb, name, fail)
    failing.log_metrics({"loss": 1.0}, 0)
    assert wandb.run is None


def test_only_wandb_is_replaced():
    assert isinstance(tolerant(WandbLogger(offline=True)), TolerantWandbLogger)
    assert tolerant(True) is True


def test_a_training_goes_on_without_a_process_that_was_killed(demo, tmp_path):
    fit = ["fit", *words(demo, "tests.wandb_killer.WandbKiller"), "--trainer.max_epochs=3"]
    with warm_starter({**ENVIRONMENT, "WANDB_MODE": "offline"}) as starter:
        result = starter.run(fit, tmp_path)
    assert result.code == 0, result.errors
    assert result.errors == ""
    _, killed, warning = result.output.splitlines()
    assert killed == "killed"
    assert warning.startswith("Warning: wandb has failed (")
    assert warning.endswith(WORKING)
    (checkpoint,) = (tmp_path / "run").rglob("*.ckpt")
    assert "epoch=2" in checkpoint.name


@pytest.mark.parametrize("disk", ["ro", "size=16k"], ids=["read-only", "full"])
def test_training_and_refining_go_on_without_a_folder_that_can_be_written(demo, tmp_path, disk):
    folder = tmp_path / "run" / "wandb"
    fit = words(demo)
    offline = {"cwd": tmp_path, "WANDB_MODE": "offline"}
    result, _ = ssd_det_with_disk(folder, disk, "fit", *fit, "--trainer.max_epochs=1", **offline)
    assert result.code == 0, result.errors
    assert result.errors == ""
    assert result.output.count(WORKING) == 1
    (checkpoint,) = (tmp_path / "run").rglob("*.ckpt")
    refine = ["refine-annotations", *fit, f"--checkpoint={checkpoint}", "--output=refined.json", "--min_score=0"]
    result, _ = ssd_det_with_disk(folder, disk, *refine, **offline)
    assert result.code == 0, result.errors
    assert result.output.count(WORKING) == 1
    assert (tmp_path / "refined.json").is_file()
