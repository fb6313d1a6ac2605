"""Entries on demand are those of a list, at every position and slice; large files are changed as small ones are."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations import coco, entries_on_demand
from ssd_det.annotations.coco import read_coco, read_content
from ssd_det.annotations.edits.noise import corrupt, with_true_boxes
from ssd_det.annotations.edits.present import without_missing_images
from ssd_det.annotations.edits.splitting import split
from ssd_det.annotations.entries import ChangedEntries, ChosenEntries, one_by_one
from ssd_det.annotations.entries_on_demand import EntriesOnDemand, TextEntries
from ssd_det.annotations.output import write_json
from ssd_det.doctor.examination import examine, fix_faults
from tests.annotation_content import clean_content

VALUES = st.integers() | st.floats(allow_nan=False) | st.sampled_from(["a", None, {"b": [1]}, "\ud800", 10**400])
BOUNDS = st.none() | st.integers(-7, 7)


def text_of(values):
    return TextEntries([msgspec.Raw(json.dumps(value).encode()) for value in values])


@given(st.lists(VALUES, max_size=6), BOUNDS, BOUNDS, st.sampled_from([None, 1, 2, -1, -2]), st.data())
def test_entries_are_those_of_a_list(values, start, stop, step, data):
    wanted = slice(start, stop, step)
    chosen = [number for number in range(len(values)) if data.draw(st.booleans())]
    for made, expected in (
        (text_of(values), values),
        (
            ChangedEntries(text_of(values), one_by_one(lambda position, value: [position, value])),
            list(map(list, enumerate(values))),
        ),
        (ChosenEntries(text_of(values), np.array(chosen, dtype=np.int64)), [values[number] for number in chosen]),
    ):
        assert list(made) == expected
        assert made[wanted] == expected[wanted]
        assert [made[number - len(expected)] for number in range(len(expected))] == expected
        with pytest.raises(IndexError):
            made[len(expected)]


@pytest.fixture
def large(monkeypatch):
    """All files count as large."""
    monkeypatch.setattr(coco, "LARGE", 0)
    monkeypatch.setattr(entries_on_demand, "PIECE", 3)


def faulty(content):
    content["annotations"][1]["iscrowd"] = "1"
    content["annotations"][2]["bbox"] = [-5, 12, 30, 41]
    content["annotations"][4]["image_id"] = 99
    content["annotations"].append({**content["annotations"][0], "id": 10})
    return content


def test_large_files_are_checked_and_fixed_as_small_ones(tmp_path, large):
    content = faulty(clean_content())
    write_json(tmp_path / "in.json", content)
    read = read_content(tmp_path / "in.json")
    assert isinstance(read["annotations"], EntriesOnDemand)
    examination, expected = examine(read), examine(content)
    assert examination.faults == expected.faults
    fixed, small = fix_faults(read, examination), fix_faults(content, expected)
    assert isinstance(fixed.content["annotations"], EntriesOnDemand)
    assert (fixed.done, fixed.left.faults) == (small.done, small.left.faults)
    write_json(tmp_path / "out.json", fixed.content)
    assert (tmp_path / "out.json").read_text() == json.dumps(small.content)


def test_entries_of_large_files_that_are_no_objects_are_found(tmp_path, large):
    content = clean_content()
    content["annotations"][3] = 7
    write_json(tmp_path / "in.json", content)
    found, expected = examine(read_content(tmp_path / "in.json")), examine(content)
    assert found.faults == expected.faults
    assert [fault.kind for fault in found.faults] == ["malformed-entry"]


def test_large_files_are_changed_as_small_ones(tmp_path, monkeypatch):
    write_json(tmp_path / "in.json", clean_content())
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / clean_content()["images"][0]["file_name"]).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / "images" / clean_content()["images"][0]["file_name"]).touch()

    def outcome():
        file = read_coco(tmp_path / "in.json")
        noisy, _ = corrupt(file, 0.4, seed=1)
        write_json(tmp_path / "noisy.json", noisy)
        true, _ = with_true_boxes(read_coco(tmp_path / "noisy.json"))
        present = without_missing_images(file, tmp_path / "images").content
        contents = [noisy, true, present, *split(file, {"train": 0.5, "val": 0.5}, 0).values()]
        return [[dict(entry) for entry in content["annotations"]] for content in contents]

    small = outcome()
    monkeypatch.setattr(coco, "LARGE", 0)
    assert outcome() == small
    assert 0 < len(small[2]) < len(small[0])
