"""What files say is shown cut, and no terminal obeys it."""

import json
import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.foreign.shown_text import MOST_HEAD, MOST_TAIL, cut, escaped, sentence_of
from ssd_det.main import main
from tests.annotation_content import clean_content

OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
EVIL = "\x1b]0;owned\x07\x1b[31mred\r\x9b2J\u202egnp"


@given(st.text())
def test_no_control_character_is_left(text):
    assert not OBEYED.search(escaped(text))
    assert escaped(escaped(text)) == escaped(text)


def test_other_characters_stay():
    assert escaped("ä日本 [red] 😀 \\x1b") == "ä日本 [red] 😀 \\x1b"
    assert escaped("a\x1b\n") == "a\\x1b\\n"


def test_long_values_are_cut_and_sentences_keep_their_end():
    assert len(cut("x" * 1000)) == 60
    assert cut("short") == "short"
    sentence = sentence_of("a.json: has " + "x" * 10**6 + ": correct it.")
    assert len(sentence) < MOST_HEAD + MOST_TAIL + 10
    assert sentence.startswith("a.json: has")
    assert sentence.endswith(": correct it.")


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """A file whose names of images and categories, and a value, hold what terminals obey."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    content = clean_content()
    for key in ("images", "categories"):
        for entry in content[key]:
            name = "file_name" if key == "images" else "name"
            entry[name] = f"{EVIL}{entry['id']}{entry[name]}"
    (tmp_path / "in.json").write_text(json.dumps(content))
    content["annotations"][0]["image_id"] = 99
    (tmp_path / "broken.json").write_text(json.dumps(content))
    (tmp_path / f"{EVIL[:9]}.json").write_text("[")
    (tmp_path / "yolo").mkdir()
    (tmp_path / "yolo" / "data.yaml").write_text(f"train: '{EVIL[-3:]}\x9b'\nnames: [a]\n")


@pytest.mark.parametrize(
    "words",
    [
        ["check-annotations", "in.json", "--image_root=."],
        ["check-annotations", "in.json"],
        ["check-annotations", "broken.json"],
        ["check-annotations", "yolo/data.yaml"],
        ["check-annotations", f"{EVIL[:9]}.json"],
        ["check-annotations", f"{EVIL[:5]}.json"],
        ["compare-annotations", "in.json", "--reference=in.json"],
        ["split-annotations", "in.json", "--output=parts"],
        ["convert-annotations", "in.json", "--to=yolo", "--image_root=.", "--output=out"],
        ["convert-annotations", "in.json", "--to=yolo", "--image_root=.", "--output=out", "--skip_missing_images"],
        ["pipeline", f"--rounds={EVIL}"],
        ["check-annotations", "in.json", f"--format={EVIL}"],
    ],
)
@pytest.mark.usefixtures("evil")
def test_names_reach_no_terminal_raw(capsys, words):
    with suppress(SystemExit):
        main(words)
    shown = capsys.readouterr()
    assert shown.out + shown.err
    assert not OBEYED.search(shown.out + shown.err)
