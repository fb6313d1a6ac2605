"""What makes a stage run, run again or stay as it is; the commands are played by a function."""

import os
import shutil

import pytest

from ssd_det.errors import InputError
from ssd_det.runs.records import read_stage_record
from tests.pipeline.played_commands import FakeProcesses, advance


def test_a_stage_runs_once_and_says_so(stage, capsys):
    assert advance(stage) == stage.commands
    assert "learning_rate: 0.1" in (stage.folder / "config.yaml").read_text()
    assert read_stage_record(stage.folder).finished
    assert advance(stage) == []
    assert "finished before" in capsys.readouterr().out


def test_how_far_the_run_has_come_is_said_where_there_is_something_to_do(stage, capsys):
    for _ in range(2):
        stage.advance(FakeProcesses(stage.folder), "[1/1]", progress="About 3 minutes left.")
    assert capsys.readouterr().out.splitlines()[:2] == ["[1/1] do it", "About 3 minutes left."]
    stage.advance(FakeProcesses(stage.folder), "[1/1]", progress="About 3 minutes left.")
    assert "left" not in capsys.readouterr().out


def test_another_setting_makes_it_run_again_and_is_named(stage, capsys):
    advance(stage)
    (stage.folder / "leftover").write_text("")
    stage.settings["model"]["init_args"]["learning_rate"] = 0.2
    assert advance(stage) == stage.commands
    assert "because model.init_args.learning_rate was 0.1 and is 0.2." in capsys.readouterr().out
    assert not (stage.folder / "leftover").exists()
    assert advance(stage) == []


def test_class_paths_of_an_earlier_layout_are_no_other_setting(stage):
    stage.settings["model"]["class_path"] = "ssd_det.tasks.refine.RefineTask"
    advance(stage)
    stage.settings["model"]["class_path"] = "RefineTask"
    assert advance(stage) == []
    stage.settings["model"]["class_path"] = "JointTask"
    assert advance(stage) == stage.commands


def test_a_setting_that_came_after_the_record_counts_once_it_is_on(stage, capsys):
    advance(stage)
    stage.settings["model"]["init_args"] |= {"later": 0.0, "later_switch": False}
    assert advance(stage) == []
    stage.settings["model"]["init_args"]["later"] = 0.3
    assert advance(stage) == stage.commands
    assert "because model.init_args.later was None and is 0.3." in capsys.readouterr().out


def test_inputs_count_by_their_content(stage, capsys):
    advance(stage)
    os.utime(stage.inputs[0], (0, 0))
    assert advance(stage) == []
    stage.inputs[0].write_text("2")
    assert advance(stage) == stage.commands
    assert f"{stage.inputs[0]} has changed" in capsys.readouterr().out


def test_a_file_of_weights_is_an_input(stage, tmp_path):
    weights = tmp_path / "weights.pth"
    weights.write_text("1")
    stage.settings["model"]["init_args"]["weights"] = str(weights)
    advance(stage)
    assert advance(stage) == []
    weights.write_text("2")
    assert advance(stage) == stage.commands


def test_a_product_that_was_edited_stays_and_one_that_is_missing_is_made_again(stage, capsys):
    advance(stage)
    product = stage.folder / "product.json"
    product.write_text("edited")
    assert advance(stage) == []
    assert product.read_text() == "edited"
    product.unlink()
    assert advance(stage) == stage.commands
    assert f"{product} is missing" in capsys.readouterr().out


def test_a_product_that_was_not_written_is_named(stage, monkeypatch):
    monkeypatch.setattr(FakeProcesses, "run", lambda self, words, _=False: 0)
    with pytest.raises(InputError, match=r"did not write product\.json"):
        advance(stage)


def test_a_damaged_record_is_named(stage):
    advance(stage)
    for text in ("{", "[]", '{"a": 1}'):
        (stage.folder / "stage.json").write_text(text)
        with pytest.raises(InputError, match="is not what the pipeline wrote"):
            advance(stage)
    shutil.rmtree(stage.folder)
    assert advance(stage) == stage.commands


def kept(stage):
    """What the first folder that was set aside holds, by name."""
    folder = stage.folder.with_name("stage.set_aside_1")
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_what_is_done_again_is_kept_and_named(stage, capsys):
    advance(stage)
    stage.settings["trainer"]["max_epochs"] = 3
    assert advance(stage) == stage.commands
    assert kept(stage)["product.json"] == "2"
    printed = capsys.readouterr().out
    assert f"What was in {stage.folder} is kept in {stage.folder}.set_aside_1: remove it once" in printed
    stage.settings["trainer"]["max_epochs"] = 4
    advance(stage)
    assert stage.folder.with_name("stage.set_aside_2").is_dir()
    assert "max_epochs: 2" in kept(stage)["config.yaml"]


def test_files_without_a_record_are_kept(stage):
    stage.folder.mkdir()
    (stage.folder / "mine.txt").write_text("mine")
    advance(stage)
    assert kept(stage) == {"mine.txt": "mine"}


def test_a_folder_that_was_only_made_is_not_kept(stage):
    stage.folder.mkdir()
    (stage.folder / ".stage.json.abcd1234").write_text("")
    advance(stage)
    assert not stage.folder.with_name("stage.set_aside_1").exists()


def test_the_configuration_names_folders_only_while_commands_run(stage, monkeypatch):
    callback = {"class_path": "ModelCheckpoint", "init_args": {"dirpath": "/run/checkpoints", "filename": "last"}}
    logger = {"class_path": "CSVLogger", "init_args": {"save_dir": "/run"}}
    stage.settings["trainer"] |= {"default_root_dir": "/run", "callbacks": [callback], "logger": logger}
    seen = []
    run = FakeProcesses.run
    config = stage.folder / "config.yaml"
    monkeypatch.setattr(
        FakeProcesses, "run", lambda self, words, _=False: seen.append(config.read_text()) or run(self, words)
    )
    advance(stage)
    assert all(text.count("/run") == 3 for text in seen)
    assert "/run" not in config.read_text()
    assert stage.settings["trainer"]["default_root_dir"] == "/run"
