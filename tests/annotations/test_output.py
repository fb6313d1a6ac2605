import json
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.entries import moved, with_annotations
from ssd_det.annotations.output import (
    CHECKPOINT,
    PIECE,
    check_output,
    check_outputs,
    remove_unfinished,
    write_json,
    write_text,
    write_whole,
    written_whole,
)
from ssd_det.errors import InputError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
EXTRA = st.dictionaries(st.text().map(lambda text: f"x{text}"), JSON, max_size=3)
SIDE = st.integers(1, 50) | st.floats(0.5, 50)


@st.composite
def coco_files(draw):
    """A valid COCO file with odd ids, extra keys everywhere and unicode."""
    image_ids = draw(st.lists(st.integers(-5, 2**62), min_size=1, max_size=3, unique=True))
    category_ids = draw(st.lists(st.integers(0, 500), min_size=1, max_size=3, unique=True))
    ids = draw(st.lists(st.integers(-(2**62), 2**62), min_size=1, max_size=4, unique=True))
    return {
        **draw(EXTRA),
        "images": [
            {"id": key, **draw(EXTRA), "file_name": draw(st.text(min_size=1)), "width": 60, "height": 60.0}
            for key in image_ids
        ],
        "annotations": [
            {
                **draw(EXTRA),
                "bbox": [draw(SIDE), draw(SIDE), draw(SIDE), draw(SIDE)],
                "image_id": draw(st.sampled_from(image_ids)),
                "id": key,
                "category_id": draw(st.sampled_from(category_ids)),
                **draw(EXTRA),
            }
            for key in ids
        ],
        "categories": [{"name": draw(st.text(min_size=1)), "id": key, **draw(EXTRA)} for key in category_ids],
    }


def keys_in_order(value):
    """Every key of nested objects, in order."""
    if isinstance(value, dict):
        return [(key, keys_in_order(inner)) for key, inner in value.items()]
    return [keys_in_order(inner) for inner in value] if isinstance(value, list) else None


@given(coco_files())
def test_a_file_that_is_read_and_written_is_the_same(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("coco")
    (folder / "in.json").write_text(json.dumps(content))
    original = json.loads((folder / "in.json").read_text())
    coco = read_coco(folder / "in.json")
    write_json(folder / "out.json", with_annotations(coco, {}))
    written = json.loads((folder / "out.json").read_text())
    assert written == original
    assert keys_in_order(written) == keys_in_order(original)


@given(coco_files())
def test_moving_a_box_changes_nothing_but_the_box(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("coco")
    (folder / "in.json").write_text(json.dumps(content))
    coco = read_coco(folder / "in.json")
    entry = coco.content["annotations"][0]
    written = with_annotations(coco, {0: moved(entry, (1.0, 2.0, 3.0, 4.0))})
    assert written["annotations"][0] == {**entry, "bbox": [1, 2, 3, 4]}
    assert list(written["annotations"][0]) == list(entry)
    assert written["annotations"][1:] == content["annotations"][1:]
    assert coco.content == json.loads((folder / "in.json").read_text())


@pytest.mark.parametrize(
    ("area", "expected"), [(120, 12), (120.0, 12), (97.5, 97.5), (None, None), ("120", "120"), (0, 0)]
)
def test_area_follows_only_where_it_was_width_times_height(area, expected):
    assert moved({"bbox": [0, 0, 10, 12], "area": area}, (0, 0, 3, 4))["area"] == expected
    assert "area" not in moved({"bbox": [0, 0, 10, 12]}, (0, 0, 3, 4))


def test_an_output_that_is_the_input_or_exists_needs_overwrite(tmp_path):
    path = tmp_path / "in.json"
    path.write_text("{}")
    with pytest.raises(InputError, match="is the input as well"):
        check_output(tmp_path / "." / "in.json", path)
    with pytest.raises(InputError, match=r"exists already: give another output, or --overwrite"):
        check_output(path)
    assert check_output(path, path, overwrite=True) == path.resolve()


def test_outputs_that_cannot_be_written_are_refused(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        check_output(tmp_path / "none" / "out.json")
    with pytest.raises(InputError, match="is not a regular file"):
        check_output(tmp_path)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match="is not writable"):
        check_output(tmp_path / "out.json")


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "out.json"
    path.write_text("old")

    def fail(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"out\.json: cannot be written \(No space left on device; the disk at /"):
        write_whole(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_ordinary_rights(tmp_path):
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "out.json", {})
    assert stat.S_IMODE((tmp_path / "out.json").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_inputs_that_are_not_rewritten_are_never_replaced(tmp_path):
    path = tmp_path / "true.json"
    path.write_text("{}")
    with pytest.raises(InputError, match="is an input that would be lost"):
        check_output(path, others=[path], overwrite=True)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xef\xbb\xbf \n{"])
def test_json_takes_the_place_of_json(tmp_path, content):
    path = tmp_path / "out.json"
    path.write_bytes(content)
    assert check_output(path, overwrite=True) == path
    assert check_output(path, path, overwrite=True) == path


@pytest.mark.parametrize("content", [b"\x89PNG\r\n\x1a\n", b"0 0.5 0.5 0.25 0.5\n", b"names: [cat]\n", b"PK\x03\x04"])
def test_json_takes_the_place_of_nothing_else(tmp_path, content):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.png: exists already and is no json file, and would be lost"):
        check_output(path, overwrite=True)


def test_a_checkpoint_takes_the_place_of_a_checkpoint_alone(tmp_path):
    path = tmp_path / "a.ckpt"
    path.write_bytes(b"PK\x03\x04")
    check_output(path, overwrite=True, kind=CHECKPOINT)
    path.write_bytes(b"{}")
    with pytest.raises(InputError, match=r"a\.ckpt: exists already and is no checkpoint"):
        check_output(path, overwrite=True, kind=CHECKPOINT)


def test_a_link_is_followed(tmp_path):
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    write_json(check_output(tmp_path / "link.json"), [1])
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text()) == [1]


@pytest.mark.parametrize(
    "content",
    [
        {},
        [],
        3,
        {"a": []},
        {"images": [{"x": "\ud800ä"}] * (PIECE + 1), "n": None, "annotations": list(range(2 * PIECE))},
        list(range(PIECE + 1)),
        {1: [1, 2], "b": {"c": [float("inf"), 1e300]}},
    ],
)
def test_json_written_in_pieces_is_the_same_as_that_of_the_json_module(tmp_path, content):
    write_json(tmp_path / "out.json", content)
    assert (tmp_path / "out.json").read_text() == json.dumps(content)


def test_what_a_killed_process_had_begun_to_write_is_removed_and_nothing_else(tmp_path):
    names = {".run.json.ab_12xyz", "run.json", ".lock", ".lock.pid", ".last.ckpt.new", "stage.json.ab12cdef"}
    for name in names:
        (tmp_path / name).write_text("")
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == names - {".run.json.ab_12xyz"}
    remove_unfinished(tmp_path / "none")


def test_files_come_into_a_folder_together_or_not_at_all(tmp_path):
    folder = tmp_path / "deep" / "new"

    def write(text, error=None):
        with written_whole(folder) as new:
            (new / "sub").mkdir()
            write_text(new / "sub" / "a", text)
            write_text(new / "b", text)
            if error:
                raise error

    with pytest.raises(InputError, match="stop"):
        write("new", InputError("stop"))
    assert list(tmp_path.iterdir()) == []
    write("old")
    (folder / "c").symlink_to(folder / "b")
    (folder / ".being_written").mkdir()  # of a call that was killed
    with pytest.raises(KeyboardInterrupt):
        write("new", KeyboardInterrupt())
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    assert {name: path.read_text() for name, path in files.items()} == {"sub/a": "old", "b": "old", "c": "old"}
    with written_whole(folder) as new:
        write_text(new / "c", "new")
    assert (folder / "c").is_symlink()
    assert (folder / "b").read_text() == "new"


def test_outputs_named_json_replace_json_files_alone(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\x89PNG")
    (tmp_path / "b.json").write_text("{}")
    (tmp_path / "c.png").write_bytes(b"\x89PNG")
    check_outputs([tmp_path / "b.json", tmp_path / "c.png"], overwrite=True)
    with pytest.raises(InputError, match=r"a\.json: exists already and is no json file, and would be lost"):
        check_outputs([tmp_path / "b.json", tmp_path / "a.json"], overwrite=True)


def test_outputs_in_folders_that_are_not_there_yet_are_checked(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    check_outputs([tmp_path / "deep" / "new" / "a.json", tmp_path / "b.json"])
    with pytest.raises(InputError, match=r"file/new: cannot be made, as .*file is a file"):
        check_outputs([tmp_path / "file" / "new" / "a.json"])
    with pytest.raises(InputError, match="exists already"):
        check_outputs([tmp_path / "deep" / "a.json", tmp_path / "file"])
    with pytest.raises(InputError, match="is an input that would be lost"):
        check_outputs([tmp_path / "file"], others=[tmp_path / "file"], overwrite=True)
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(InputError, match=r"new: cannot be made, as .* is not writable"):
        check_outputs([tmp_path / "new" / "a.json"])
