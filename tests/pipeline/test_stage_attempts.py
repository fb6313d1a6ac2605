"""Stages that failed, were killed or were stopped: what is said, and where the next attempt goes on."""

import os
import pickle
import zipfile

import pytest

from ssd_det.errors import InputError
from ssd_det.runs.layout import CHECKPOINT
from ssd_det.runs.records import read_stage_record
from ssd_det.stopping import Stopped
from tests.pipeline.played_commands import FakeProcesses, advance


def interrupted(stage):
    with pytest.raises(SystemExit):
        advance(stage, code=1)
    checkpoint = stage.folder / CHECKPOINT
    checkpoint.parent.mkdir()
    with zipfile.ZipFile(checkpoint, "w") as file:
        file.writestr("data", "weights")
    return checkpoint


def test_a_command_that_fails_ends_the_run_with_its_code_and_is_tried_again(stage, capsys):
    with pytest.raises(SystemExit) as end:
        advance(stage, code=2)
    assert end.value.code == 2
    assert not read_stage_record(stage.folder).finished
    assert advance(stage) == stage.commands
    assert "goes on" in capsys.readouterr().out


def test_a_killed_command_is_named(stage):
    with pytest.raises(
        InputError, match=r"ended by signal 9 \(out of memory\?\): free memory; the same command goes on"
    ):
        advance(stage, code=-9)


def test_after_a_killed_training_fewer_processes_read_images_and_it_goes_on(stage):
    stage.settings["data"] = {"init_args": {"num_workers": 2}}
    checkpoint = interrupted(stage)
    with pytest.raises(InputError, match=r"free memory, or set data\.num_workers of this stage to 0; the same command"):
        advance(stage, code=-9)
    stage.settings["data"]["init_args"]["num_workers"] = 0
    assert advance(stage) == [["prepare"], ["fit", "--x", "--ckpt_path", str(checkpoint)]]


def test_a_training_goes_on_from_its_checkpoint(stage):
    checkpoint = interrupted(stage)
    assert advance(stage) == [["prepare"], ["fit", "--x", "--ckpt_path", str(checkpoint)]]


def test_a_training_does_not_go_on_from_half_a_checkpoint(stage, capsys):
    checkpoint = interrupted(stage)
    checkpoint.write_bytes(checkpoint.read_bytes()[:20])
    assert advance(stage) == stage.commands
    assert "is incomplete: the training starts from the beginning" in capsys.readouterr().out


def test_a_removal_that_was_interrupted_leaves_no_old_checkpoint(stage):
    checkpoint = interrupted(stage)
    (stage.folder / "stage.json").unlink()
    with pytest.raises(SystemExit):
        advance(stage, code=1)
    assert not checkpoint.exists()
    assert advance(stage) == stage.commands


def test_links_that_lead_nowhere_do_no_harm(stage):
    interrupted(stage)
    (stage.folder / "debug.log").symlink_to("nowhere")
    assert len(advance(stage)) == 2


def test_other_settings_do_not_go_on_from_the_old_checkpoint(stage):
    interrupted(stage)
    stage.settings["trainer"]["max_epochs"] = 3
    assert advance(stage) == stage.commands


def test_wall_time_adds_up_over_attempts(stage):
    with pytest.raises(SystemExit):
        advance(stage, code=1)
    started = read_stage_record(stage.folder).started
    os.utime(stage.folder / "stage.json", (started + 100, started + 100))
    advance(stage)
    assert 100 <= read_stage_record(stage.folder).seconds < 110


@pytest.mark.parametrize(("code", "expected"), [(143, 143), (-15, 143), (129, 129), (130, 130)])
def test_a_command_that_a_signal_stopped_is_a_stop(stage, code, expected):
    with pytest.raises(Stopped) as stop:
        advance(stage, code=code)
    assert stop.value.code == expected
    assert not read_stage_record(stage.folder).finished


def write_checkpoint(stage, epochs):
    content = {"loops": {"fit_loop": {"epoch_progress": {"current": {"processed": epochs}}}}}
    (stage.folder / CHECKPOINT).parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(stage.folder / CHECKPOINT, "w") as file:
        file.writestr("last/data.pkl", pickle.dumps(content))


@pytest.fixture
def training(stage):
    """A stage of two epochs."""
    stage.settings["trainer"]["callbacks"] = [{"class_path": "ModelCheckpoint", "init_args": {"filename": "last"}}]
    return stage


def test_a_training_with_too_few_epochs_is_not_finished(training, monkeypatch):
    run = FakeProcesses.run
    monkeypatch.setattr(
        FakeProcesses, "run", lambda self, words, _=False: write_checkpoint(training, len(self.ran)) or run(self, words)
    )
    with pytest.raises(InputError, match=r"stage: its checkpoint has 1 of 2 epochs: the same command goes on"):
        advance(training)
    assert not read_stage_record(training.folder).finished


def test_a_record_that_calls_it_finished_is_not_believed(training, capsys):
    advance(training)
    write_checkpoint(training, 1)
    checkpoint = str(training.folder / CHECKPOINT)
    with pytest.raises(InputError):
        advance(training)
    assert "[1/1] do it: goes on, as its checkpoint has 1 of 2 epochs" in capsys.readouterr().out
    assert not read_stage_record(training.folder).finished
    write_checkpoint(training, 2)
    assert advance(training)[-1] == ["fit", "--x", "--ckpt_path", checkpoint]
    assert advance(training) == []
