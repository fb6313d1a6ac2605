"""Pipes and devices in place of every kind of input end in a sentence, and none of them is waited for."""

import os
import shutil

import cv2
import numpy as np
import pytest

from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import open_regular, read_regular
from ssd_det.main import main
from tests.annotations.formats.folders import LABELS
from tests.command import fails

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
XML = "<annotation><size><width>40</width><height>30</height></size></annotation>"


def test_a_file_is_read_up_to_what_it_may_have(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"12345")
    assert read_regular(path, "text") == read_regular(path, "text", 5) == b"12345"
    with pytest.raises(InputError, match=r"a\.txt: has more than 4e-06 MB, which no text needs: give a text\."):
        read_regular(path, "text", 4)


@pytest.mark.parametrize(("path", "what"), [("/dev/zero", "a device"), (".", "a folder")])
def test_what_is_no_file_is_named(path, what):
    with pytest.raises(OSError, match=what):
        open_regular(path)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """A small folder of each format with one image."""
    monkeypatch.chdir(tmp_path)
    image = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1].tobytes()
    for path, content in {
        "yolo/data.yaml": b"train: images\nnames: [cat, dog]\n",
        "listed/data.yaml": b"train: list.txt\nnames: [cat, dog]\n",
        "listed/list.txt": b"images/1.png\n",
        "listed/images/1.png": image,
        "yolo/images/1.png": image,
        "yolo/labels/1.txt": LABELS["a"],
        "voc/Annotations/1.xml": XML.encode(),
        "voc/JPEGImages/1.jpg": image,
        "tree/ImageSets/Main/train.txt": b"1\n",
        "tree/Annotations/1.xml": XML.encode(),
        "in.json": b"{}",
        "c.yaml": b"trainer: {}\n",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("in.json", "check-annotations in.json"),
        ("in.json", "compare-annotations in.json --reference in.json"),
        ("in.json", "apply-review in.json in.json --output out.json"),
        ("yolo/data.yaml", "check-annotations yolo/data.yaml"),
        ("yolo/data.yaml", "check-annotations yolo"),
        ("listed/list.txt", "convert-annotations listed --to coco --output out.json"),
        ("yolo/images/1.png", "convert-annotations yolo --to coco --output out.json"),
        ("yolo/labels/1.txt", "convert-annotations yolo --to coco --output out.json"),
        ("voc/Annotations/1.xml", "convert-annotations voc --to coco --output out.json"),
        ("tree/ImageSets/Main/train.txt", "convert-voc tree --split train --output out.json"),
        ("c.yaml", "fit --config c.yaml"),
        ("c.yaml", "pipeline --config=c.yaml --annotations in.json --image_root . --output run"),
    ],
)
@pytest.mark.parametrize("kind", ["pipe", "device"])
@pytest.mark.usefixtures("folders")
def test_pipes_and_devices_end_in_a_sentence(monkeypatch, capsys, path, command, kind):
    os.remove(path)  # noqa: PTH107
    if kind == "pipe":
        os.mkfifo(path)
    else:
        os.symlink("/dev/zero", path)  # noqa: PTH211
    monkeypatch.setattr("ssd_det.late_files.time.sleep", lambda _: pytest.fail("it was waited for"))
    fails(capsys, main(command.split()), f"is a {kind}, not a regular file")
    assert not os.path.exists("out.json")  # noqa: PTH110


@pytest.mark.usefixtures("folders")
def test_the_doctor_names_an_image_that_is_a_pipe(capsys):
    shutil.rmtree("voc")
    os.remove("yolo/images/1.png")  # noqa: PTH107
    os.mkfifo("yolo/images/1.png")
    assert main(["check-annotations", "yolo", "--image_root", "yolo"]) == 1
    assert "is a pipe, not a regular file" in capsys.readouterr().out
