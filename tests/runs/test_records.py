"""The records of runs and stages, as they lie on disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ssd_det.errors import InputError
from ssd_det.runs.records import (
    ResolvedSection,
    RunRecord,
    StageRecord,
    current_stages,
    damaged,
    image_root_of,
    previous_round_of,
    read_run_record,
    read_stage_record,
)

STAGE = StageRecord("fit refiner", [["fit", "--x"]], {"model": {"init_args": {}}}, {"noisy.json": "ab", "none": None})
SETTINGS = {
    "seed_everything": 0,
    "trainer": {"logger": True, "callbacks": [{"class_path": "BoxQuality"}]},
    "model": {"class_path": "RefineTask", "init_args": {}},
    "data": {"class_path": "RefineDataModule", "init_args": {}},
}
RUN = RunRecord(
    {"annotations": "noisy.json", "image_root": "images"},
    {"refine": ResolvedSection(["0.1.0", "ab", {}, []], SETTINGS)},
    ("refiner", "fold_0/refined"),
)


@pytest.mark.parametrize(
    ("record", "keys"),
    [
        (STAGE, ["title", "commands", "settings", "inputs", "seconds"]),
        (replace(STAGE, started=5.5), ["title", "commands", "settings", "inputs", "seconds", "started"]),
        (
            replace(STAGE, seconds=2.5, finished=True),
            ["title", "commands", "settings", "inputs", "seconds", "finished"],
        ),
    ],
)
def test_a_stage_record_is_read_as_it_was_written(tmp_path, record, keys):
    content = record.to_json()
    assert list(content) == keys
    (tmp_path / "stage.json").write_text(json.dumps(content))
    assert read_stage_record(tmp_path) == record


def test_a_run_record_is_read_as_it_was_written(tmp_path):
    content = RUN.to_json()
    assert list(content) == ["inputs", "resolved", "current"]
    assert content["resolved"]["refine"] == {"from": ["0.1.0", "ab", {}, []], "settings": SETTINGS}
    (tmp_path / "run.json").write_text(json.dumps(content))
    assert read_run_record(tmp_path) == RUN
    assert current_stages(tmp_path) == ["refiner", "fold_0/refined"]
    assert image_root_of(tmp_path) == "images"


def test_what_was_not_begun_has_no_record(tmp_path):
    assert read_stage_record(tmp_path) is None
    assert read_run_record(tmp_path) is None


@pytest.mark.parametrize(
    "change",
    [
        {"title": None},
        {"commands": ["fit"]},
        {"commands": [[1]]},
        {"settings": []},
        {"inputs": {"noisy.json": 1}},
        {"seconds": "1"},
        {"seconds": True},
        {"seconds": float("nan")},
        {"seconds": -1},
        {"started": 10**400},
        {"started": "now"},
        {"finished": 1},
    ],
)
def test_a_stage_record_with_another_type_is_named(tmp_path, change):
    (tmp_path / "stage.json").write_text(json.dumps({**STAGE.to_json(), **change}))
    with pytest.raises(InputError, match=f"stage.json: is not what the pipeline wrote: remove {tmp_path}"):
        read_stage_record(tmp_path)


@pytest.mark.parametrize("key", ["title", "commands", "settings", "inputs", "seconds"])
def test_a_stage_record_with_a_missing_key_is_named(tmp_path, key):
    content = STAGE.to_json()
    del content[key]
    (tmp_path / "stage.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="is not what the pipeline wrote"):
        read_stage_record(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": []},
        {"inputs": {"annotations": None}},
        {"resolved": None},
        {"resolved": {"refine": None}},
        {"resolved": {"refine": {"settings": {}}}},
        {"resolved": {"refine": {"from": [], "settings": None}}},
        {"current": 5},
        {"current": [1]},
        {"current": ["../other"]},
        {"current": ["fold_0/" + "x" * 256]},
        {"inputs": {"annotations": "/data/" + "ä" * 128}},
        {"current": ["/other"]},
        {"inputs": {"annotations": "\0"}},
        {"resolved": {"refine": {"from": [], "settings": {}}}},
        {"resolved": {"refine": {"from": [], "settings": {**SETTINGS, "trainer": []}}}},
        {"resolved": {"refine": {"from": [], "settings": {**SETTINGS, "model": {"class_path": 1, "init_args": {}}}}}},
        {"resolved": {"refine": {"from": [], "settings": {**SETTINGS, "data": {"class_path": "A"}}}}},
    ],
)
def test_a_run_record_with_another_type_is_named(tmp_path, change):
    (tmp_path / "run.json").write_text(json.dumps({**RUN.to_json(), **change}))
    with pytest.raises(InputError, match=r"run\.json: is not what the pipeline wrote: remove .*, or give another"):
        read_run_record(tmp_path)


@pytest.mark.parametrize("read", [read_stage_record, read_run_record])
@pytest.mark.parametrize("content", ["{", "[]", "null", '"text"', "5", "[" * 100_000])
def test_what_is_no_record_is_named(tmp_path, read, content):
    for name in ("stage.json", "run.json"):
        (tmp_path / name).write_text(content)
    with pytest.raises(InputError, match="is not what the pipeline wrote"):
        read(tmp_path)


def test_a_damaged_file_is_named_with_the_stage_to_remove(tmp_path):
    assert f"{tmp_path / 'a.json'}: is not what the pipeline wrote: remove {tmp_path} and" in str(
        damaged(tmp_path / "a.json")
    )


def test_the_round_before_is_that_of_the_record_if_there_is_one(tmp_path):
    assert previous_round_of(tmp_path) is None
    for content, expected in (({}, None), ({"previous_round": 1}, None), ({"previous_round": "/a"}, Path("/a"))):
        (tmp_path / "run.json").write_text(json.dumps({"inputs": content}))
        assert previous_round_of(tmp_path) == expected
