"""Damaged annotation files: no command ends in a traceback or leaves half a file; see :mod:`tests.fuzzing`."""

import copy
import io
import json
import shutil
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.formats import table
from ssd_det.main import main
from tests.annotation_content import clean_content
from tests.annotations.formats.folders import LABELS, XML
from tests.fuzzing import DEEP, FUZZED, NESTING, TOKENS_OF_TEXTS


class Damaged(NamedTuple):
    """Annotations to read: files by their path in a folder, and which of them, or which folder, to name."""

    files: dict[str, bytes]
    named: str


# What replaces a value somewhere in the file.
ODD = st.one_of(
    st.sampled_from([None, True, False, 0, 1, -1, 2, "", "0", "1", "x", [], {}, [[]], [1, 2, 3, 4], {"id": 1}]),
    st.sampled_from([float("nan"), float("inf"), -0.0, 1e-300, 1e300, 2**63, -(2**63), 2**64, 10**400, 0.5, 1e9]),
    st.sampled_from(["\ud800", "a\\b.png", "../a.png", "/etc/passwd", "\0", "x" * 5000, "[red]", "\x1b[31m", "ä日本"]),
    st.integers(),
    st.floats(),
    st.text(max_size=4),
)
EDITS = ("replace", "remove", "repeat", "rename", "swap")


def damage(content, edits):
    """Edit a json value in place; each edit walks down from the top by its numbers and ends where they do."""
    for edit, steps, value in edits:
        node = content
        for step in steps[:-1]:
            children = list(node.values()) if isinstance(node, dict) else node
            deeper = [child for child in children if isinstance(child, dict | list) and child]
            if not deeper:
                break
            node = deeper[step % len(deeper)]
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if keys:
            change(node, keys, keys[steps[-1] % len(keys)], edit, value)


def change(node, keys, key, edit, value):
    if edit == "remove":
        del node[key]
    elif edit == "repeat" and isinstance(node, list):
        node.append(copy.deepcopy(node[key]))
    elif edit == "rename" and isinstance(node, dict):
        node[str(value)[:20]] = node.pop(key)
    elif edit == "swap":
        node[key], node[keys[0]] = node[keys[0]], node[key]
    else:
        node[key] = copy.deepcopy(value)


@st.composite
def damaged_bytes(draw):
    """A COCO file with a few edits; rarely its bytes are damaged as well."""
    content = clean_content()
    for entry in content["annotations"]:
        entry["true_bbox"] = list(entry["bbox"])
        entry["refine_score"] = 0.5
    steps = st.lists(st.integers(0, 30), min_size=1, max_size=5)
    damage(content, draw(st.lists(st.tuples(st.sampled_from(EDITS), steps, ODD), max_size=6)))
    text = json.dumps(content, ensure_ascii=draw(st.booleans()))
    data = text.encode("utf-8", "surrogatepass")
    way = draw(st.sampled_from(["whole"] * 12 + ["cut", "byte", "utf-16", "latin-1", "mark", "deep", "empty"]))
    offset = draw(st.integers(0, len(data)))
    return {
        "whole": data,
        "cut": data[:offset],
        "byte": data[:offset] + bytes([draw(st.integers(0, 255))]) + data[offset + 1 :],
        "utf-16": text.encode("utf-16", "surrogatepass"),
        "latin-1": text.encode("latin-1", "replace"),
        "mark": b"\xef\xbb\xbf" + data,
        "deep": json.dumps({**clean_content(), "annotations": [{"id": 1, "bbox": 0}]})
        .replace('"bbox": 0', f'"bbox": {"[" * DEEP}{"]" * DEEP}')
        .encode(),
        "empty": b"",
    }[way]


def damaged_coco():
    return damaged_bytes().map(lambda data: Damaged({"in.json": data}, "in.json"))


@st.composite
def damaged_folder(draw, clean, named):
    """A valid folder of label files; bytes of some are replaced, removed or repeated, or a file is missing."""
    files = dict(draw(st.sampled_from(clean)))
    for _ in range(draw(st.integers(0, 4))):
        path = draw(st.sampled_from(sorted(files)))
        data = files[path]
        offset, length = draw(st.integers(0, len(data))), draw(st.integers(0, 20))
        inside = draw(st.sampled_from(TOKENS) | st.binary(max_size=8))
        way = draw(st.sampled_from(["replace"] * 4 + ["repeat"] * 2 + ["cut", "utf-16", "many", "deep"]))
        files[path] = {
            "replace": data[:offset] + inside + data[offset + length :],
            "repeat": data[:offset] + data[offset : offset + length] * 2 + data[offset + length :],
            "cut": data[:offset],
            "utf-16": data.decode("utf-8", "replace").encode("utf-16"),
            "many": data[:offset] + inside * draw(st.sampled_from([100, 100_000])) + data[offset:],
            "deep": data[:offset] + b"".join(draw(st.sampled_from(NESTING))) + data[offset:],
        }[way]
    if draw(st.integers(0, 9)) == 0:
        del files[draw(st.sampled_from(sorted(files)))]
    return Damaged({f"{named}/{path}": data for path, data in files.items()}, named)


YOLO = {
    "data.yaml": b"train: images\nval: images\nnames: [cat, dog]\n",
    "labels/1.txt": b"0 0.5 0.5 0.25 0.5\n1 0.3 0.3 0.2 0.2 0.9\n",
    "labels/2.txt": b"1 0.5 0.5 1 1\n",
}
ODD_YOLO = {
    "data.yaml": b"path: .\ntrain: [images, list.txt]\nval: images\nnames: {0: cat, 1: no}\n",
    "list.txt": b"./images/1.png\n",
    "labels/1.txt": LABELS["a"],
    "labels/2.txt": LABELS["b"],
}
# A row of each kind, as trackers, segmentation, oriented boxes and poses have them.
ROWS = [
    b"0 .5 .5 .25 .5 .87 0\n",
    b"1 .5 .5 .25 .5 .91 7\n",
    b"0 .1 .1 .3 .1 .3 .3\n",
    b"0 .1 .1 .3 .1 .3 1 .912\n",
    b"1 .1 .1 .3 .1 .4 .3 .2 .5\n",
    b"1 .1 .1 .3 .1 .4 .3 .2 .5 .9 3\n",
    b"0 .1 .1 .3 .1 .4 .3 .2 .5 .8 1\n",
    b"1 .5 .5 .2 .2 .4 .4 2 .5 .5 1\n",
    b"0 1.005 .5 .2 .2\n",
    b"0 1.04 -.02 .2 .2\n",
]
TOKENS = [*TOKENS_OF_TEXTS, *ROWS, b"C:\\x\\images", b"/content/images", b"../images", b"valid: images\n", b"nc: 3\n"]
ROWS_YOLO = {
    "dataset.yaml": b"path: /content/x\ntrain: C:\\x\\images\nvalid: ../images\ntest: gone\n"
    b"names: {1: cat, 2: no}\nnc: 1\n",
    "labels/1.txt": b"".join(ROWS[1:4]).replace(b"\n0", b"\n1"),
    "labels/2.txt": ROWS[4] + b"2 .5 .5 .2 .2\n",
    "labels/gone.txt": ROWS[0],
}
LISTED_YOLO = {
    "data.yaml": b"train: train.txt\nval: Images\nnames: [cat, no]\n",
    "train.txt": b"data/images/1.png\r\nC:\\data\\images\\2.png\n",
    "Labels/3.txt": ROWS[6] + ROWS[5],
    "labels/1.txt": ROWS[5] + ROWS[6],
    "labels/2.txt": YOLO["labels/2.txt"] + ROWS[8],
}
PLAIN_XML = b"""<?xml version="1.0"?>
<annotation><filename>1.png</filename><size><width>200</width><height>100</height></size>
<object><name>cat</name><difficult>0</difficult>
<bndbox><xmin>3</xmin><ymin>4.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>
"""
VOC = {"Annotations/1.xml": PLAIN_XML, "Annotations/2.xml": PLAIN_XML.replace(b"1.png", b"2.png")}
ODD_VOC = {
    f"Annotations/{number}.xml": XML.format(encoding=encoding, name=f"{number}.png").encode(encoding)
    for number, encoding in ((1, "utf-8"), (2, "utf-16"))
}
PICTURE = cv2.imencode(".png", np.zeros((100, 200, 3), dtype=np.uint8))[1].tobytes()


YOLOS = (YOLO, ODD_YOLO, ROWS_YOLO, LISTED_YOLO)


def with_pictures(folder, images):
    names = [f"{images}/{number}.png" for number in (1, 2)] + ["Images/3.png"] * ("Labels/3.txt" in folder)
    return {**folder, **dict.fromkeys(names, PICTURE)}


# One strategy for each format that commands read.
FORMATS = {
    "coco": damaged_coco(),
    "yolo": damaged_folder([with_pictures(folder, "images") for folder in YOLOS], "in"),
    "voc": damaged_folder([with_pictures(folder, "JPEGImages") for folder in (VOC, ODD_VOC)], "in"),
}

COMMANDS = {
    "check": "check-annotations {named}",
    "check-images": "check-annotations {named} --image_root=. --format=json",
    "fix": "check-annotations {named} --image_root=. --fix=out.json",
    "corrupt": "corrupt-annotations {named} --output=out.json --noise_level=0.4",
    "move": "corrupt-annotations {named} --output=out --noise_level=0.4",
    "copy": "corrupt-annotations {named} --output=out --noise_level=0",
    "true": "true-annotations {named} --output=out.json",
    "compare": "compare-annotations {named} --reference=clean.json --output=out.json",
    "compare-to": "compare-annotations clean.json --reference={named} --output=out.json",
    "compare-itself": "compare-annotations {named} --reference={named}",
    "merge": "merge-annotations {named} clean.json --output=out.json",
    "split": "split-annotations {named} --output=out.json",
    "convert": "convert-annotations {named} --image_root={named} --to=coco --output=out.json",
    "convert-there": "convert-annotations {named} --image_root={named} --to=yolo --output=out",
    "rows": "check-annotations {named} --yolo_rows=polygons",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with a clean file and an image."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "clean.json").write_text(json.dumps(clean_content()))
    (folder / "sub").mkdir()
    assert cv2.imwrite(str(folder / "sub" / "1.png"), np.zeros((100, 200, 3), dtype=np.uint8))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "80")
        yield folder


def run(words):
    """The exit code of a command, and what it wrote to standard error; its output must be UTF-8."""
    output, errors = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return main(words), errors.getvalue()


def check_copy(damaged, copy):
    """Check that label files of a folder are the same to the byte, as they are without noise."""
    for path, content in damaged.files.items():
        copied = copy / Path(path).relative_to(damaged.named)
        if "/labels/" in path.lower() or "/Annotations/" in path:
            assert not copied.exists() or copied.read_bytes() == content


def test_files_of_every_format_are_damaged():
    assert FORMATS.keys() == table.FORMATS.keys()


@pytest.mark.parametrize("name", FORMATS)
@FUZZED
@given(data=st.data(), command=st.sampled_from(sorted(COMMANDS)))
def test_damaged_annotations_end_in_a_sentence(folder, costs, name, data, command):
    damaged = data.draw(FORMATS[name])
    before = set(Path().iterdir())
    for path, content in damaged.files.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(content)
    inputs = set(Path().iterdir())
    try:
        with costs.of(f"{command} of {name}"):
            code, errors = run(COMMANDS[command].format(named=damaged.named).split())
        left = set(Path().iterdir()) - inputs
        assert code in {0, 1, 2}
        *lines, end = errors.split("\n")
        assert end == ""
        assert code != 2 or lines.pop().startswith("ssd-det: error: ")
        assert all(line.startswith("Warning: ") for line in lines)
        if code == 2:
            assert not left
        else:
            assert left <= {Path("out.json"), Path("out")}
            for path in (file for output in left for file in (output, *output.rglob("*.json")) if file.is_file()):
                json.loads(path.read_text())
            if command == "copy":
                check_copy(damaged, Path("out"))
        assert all(Path(path).read_bytes() == content for path, content in damaged.files.items())
    finally:
        for path in set(Path().iterdir()) - before:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
