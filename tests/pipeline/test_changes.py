"""What is a change since a stage was recorded, and what only looks like one."""

from dataclasses import replace
from pathlib import Path

import pytest

from ssd_det.pipeline.changes import changes, lacks_settings, moves, with_moves
from ssd_det.runs.records import StageRecord

CALLBACK = {"class_path": "lightning.pytorch.callbacks.ModelCheckpoint", "init_args": {"filename": "last"}}
SETTINGS = {
    "model": {"class_path": "RefineTask", "init_args": {"learning_rate": 0.1}},
    "trainer": {"callbacks": [CALLBACK], "max_epochs": 2, "gone": None},
}


def stage_in(run, noisy="/data/noisy.json", root="/data/images"):
    """What a stage of a run in a folder is due to record."""
    settings = {**SETTINGS, "data": {"init_args": {"annotations": noisy, "image_root": root}}}
    settings["trainer"] = {**SETTINGS["trainer"], "default_root_dir": f"{run}/refined"}
    commands = [["refine-annotations", f"--config={run}/refined/config.yaml", f"--checkpoint={run}/refiner/last.ckpt"]]
    return StageRecord("refine", commands, settings, {noisy: "a", f"{run}/refiner/last.ckpt": "b"})


def changed(record, due, defaults=None):
    return changes(with_moves(record, moves(record, due, Path("/new/run"))), due, defaults or {}, [])


def test_a_run_that_was_moved_is_the_same():
    old, new = stage_in("/old/place/mine"), stage_in("/new/run")
    assert with_moves(old, moves(old, new, Path("/new/run"))) == new
    assert changed(old, new) == ""
    assert changed(old, replace(new, inputs={**new.inputs, "/new/run/refiner/last.ckpt": "c"})) != ""


def test_a_stage_without_settings_may_be_moved_as_well():
    old, new = (
        StageRecord("true", [["true-annotations", "/data/noisy.json", f"--output={run}/true/true.json"]], {}, {})
        for run in ("/old", "/new/run")
    )
    assert changed(old, new) == ""


def test_what_lies_beside_the_former_run_keeps_its_path():
    old, new = stage_in("/data/run"), stage_in("/new/run")
    assert with_moves(old, moves(old, new, Path("/new/run"))) == new


def test_inputs_with_the_same_content_may_lie_elsewhere(tmp_path):
    old, new = stage_in("/new/run", "/gone/noisy.json", "/gone/images"), stage_in("/new/run")
    assert changed(old, new) == ""
    other = replace(new, inputs={**new.inputs, "/data/noisy.json": "other"})
    assert "/data/noisy.json has changed" in changed(old, other)
    there = stage_in("/new/run", "/gone/noisy.json", str(tmp_path))
    assert changed(there, new) == f"data.init_args.image_root was {tmp_path} and is /data/images"


@pytest.mark.parametrize("value", [None, False, 0, [], ""])
def test_a_setting_that_is_off_and_not_recorded_is_no_change(value):
    due = with_setting(stage_in("/new/run"), "later", value)
    assert changed(stage_in("/new/run"), due) == ""
    assert not lacks_settings(stage_in("/new/run"), due.settings)
    assert changed(due, stage_in("/new/run")) == ""


def with_setting(record, name, value):
    arguments = {**record.settings["model"]["init_args"], name: value}
    return replace(record, settings={**record.settings, "model": {"class_path": "RefineTask", "init_args": arguments}})


def test_a_setting_that_is_not_recorded_had_its_default():
    record = stage_in("/new/run")
    due = with_setting(record, "later", [1.0, 2.0])
    assert lacks_settings(record, due.settings)
    defaults = {"model": {"init_args": {"later": [1.0, 2.0], "learning_rate": 5}}}
    assert changed(record, due, defaults) == ""
    assert changed(record, due) == "model.init_args.later was None and is [1.0, 2.0]"
    off = with_setting(record, "later", [])
    assert changed(record, off, defaults) == "model.init_args.later was [1.0, 2.0] and is []"


@pytest.mark.parametrize(
    ("name", "said"), [("num_workers", ""), ("batch_size", "data.init_args.batch_size was 2 and is 0")]
)
def test_how_many_processes_read_images_changes_no_product(name, said):
    record, due = stage_in("/new/run"), stage_in("/new/run")
    record.settings["data"]["init_args"][name] = 2
    due.settings["data"]["init_args"][name] = 0
    assert changed(record, due) == said


def test_classes_in_lists_are_compared_setting_by_setting():
    record, due = stage_in("/new/run"), stage_in("/new/run")
    later = {"class_path": CALLBACK["class_path"], "init_args": {"filename": "last", "later": True}}
    due.settings["trainer"]["callbacks"] = [later]
    assert lacks_settings(record, due.settings)
    assert changed(record, due, {"trainer": {"callbacks": [{"init_args": {"later": True}}]}}) == ""
    assert changed(record, due) == "trainer.callbacks.0.init_args.later was None and is True"
    due.settings["trainer"]["callbacks"] = [{**CALLBACK, "class_path": "BoxQuality"}]
    assert "trainer.callbacks was [" in changed(record, due)


def test_only_some_of_many_changes_are_named():
    settings = dict.fromkeys("abcde", 1)
    record, due = StageRecord("x", [], settings, {}), StageRecord("x", [], dict.fromkeys(settings, 2), {})
    assert changes(record, due, {}, []).endswith("c was 1 and is 2; and 2 more changes")
