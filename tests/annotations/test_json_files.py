"""Json that is nested too deeply, or is something else, ends in a sentence before it is parsed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations import json_files
from ssd_det.annotations.json_files import read_json
from ssd_det.annotations.json_nesting import deepest_level
from ssd_det.annotations.values import shown
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotation_content import clean_content
from tests.command import fails

TEXTS = st.text(st.sampled_from('"\\[]{}a,ä\n'), max_size=6)
VALUES = st.recursive(
    st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=30
)


def levels(value):
    if not isinstance(value, list | dict):
        return 0
    return 1 + max(map(levels, value.values() if isinstance(value, dict) else value), default=0)


@given(VALUES, st.booleans())
def test_levels_are_those_of_the_values_whatever_is_in_texts(value, plain):
    assert deepest_level(json.dumps(value, ensure_ascii=plain).encode()) == levels(value)


def test_levels_are_counted_across_the_pieces_that_are_looked_at():
    many = ["]]" * 5, [["a"]]] * 100_000
    assert deepest_level(json.dumps([many, [[[[]]]], many]).encode()) == 5


@pytest.mark.parametrize("depth", [98, 500, 985, 3_000, 1_000_000])
@pytest.mark.parametrize(
    "command", ["check-annotations in.json", "merge-annotations in.json in.json --same_images --output=out.json"]
)
def test_deep_values_end_in_a_sentence(tmp_path, monkeypatch, capsys, depth, command):
    monkeypatch.chdir(tmp_path)
    content = clean_content()
    content["annotations"][0]["extra"] = 0
    deep = "[" * depth + "]" * depth
    (tmp_path / "in.json").write_text(json.dumps(content).replace('"extra": 0', f'"extra": {deep}'))
    fails(capsys, main(command.split()), "in.json: has values nested more than 100 levels deep")


def test_a_large_file_of_something_else_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "in.json"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x18ftypmp42")
        file.truncate(2**33)
    monkeypatch.setattr(json_files, "read_regular", lambda *_: pytest.fail("was read"))
    with pytest.raises(InputError, match=r"in\.json: is not json, by its beginning: give a COCO json file\."):
        read_json(path)


@pytest.mark.parametrize("beginning", [" \n[", "\ufeff{"])
def test_a_large_file_that_begins_as_json_is_read(tmp_path, monkeypatch, beginning):
    monkeypatch.setattr(json_files, "LARGE", 1)
    path = tmp_path / "in.json"
    path.write_text(beginning + {"[": "]", "{": "}"}[beginning[-1]], encoding="utf-8")
    assert not read_json(path)
    path.write_text("[]", encoding="utf-16")
    with pytest.raises(InputError, match="is UTF-16: save it as UTF-8"):
        read_json(path)


@pytest.mark.parametrize("value", [list(range(10**6)), "x" * 10**6, {"a": {str(key): 1 for key in range(10**5)}}])
def test_values_are_shown_by_their_beginning(value):
    assert shown(value) == json.dumps(value)[:57] + "..."
