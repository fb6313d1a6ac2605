"""Only pictures of a few formats are opened, and what a file is instead is said; honest pictures are all read."""

import struct

import numpy as np
import pytest
from PIL import EpsImagePlugin
from PIL import Image as PillowImage

from ssd_det.annotations.coco import Image
from ssd_det.annotations.formats.image_headers import size_of
from ssd_det.annotations.picture_formats import HEAD, format_of_picture
from ssd_det.annotations.stored_pixels import UNREADABLE, read_header
from ssd_det.batches.image_reading import read_image
from ssd_det.doctor.examination import examine
from ssd_det.errors import InputError

WIDTH, HEIGHT = 40, 30
POSTSCRIPT = f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 {WIDTH} {HEIGHT}\n%%EndComments\nshowpage\n".encode()
OTHERS = {
    "PostScript": POSTSCRIPT,
    "PDF": b"%PDF-1.7\n%\xe2\xe3",
    "SVG": b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>',
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "a video": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    "a page of html": b"<!DOCTYPE html>\n<html><body>Not found</body></html>",
    "a pointer of Git LFS": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "a zip archive": b"PK\x03\x04\x14\0",
    "json": b'{"error": "gone"}',
    "empty": b"",
    "nothing but zeros": bytes(5000),
    "a Photoshop file": b"8BPS\0\1",
    "a picture of the format ICO": b"\0\0\1\0\1\0" + bytes(40),
    "a picture of the format PCX": struct.pack("<BBBBHHHH", 10, 5, 1, 8, 0, 0, 39, 29) + bytes(120),
}
IMAGE = Image(7, "a.png", WIDTH, HEIGHT)


@pytest.mark.parametrize("name", OTHERS)
def test_the_sentence_says_what_a_file_is(tmp_path, name):
    path = tmp_path / "a.png"
    path.write_bytes(OTHERS[name])
    with pytest.raises(InputError, match=rf"a\.png: image 7 is {name}.*, whatever its name says: save it as JPEG, PNG"):
        read_image(path, IMAGE)
    with pytest.raises(InputError, match=rf"a\.png: is {name}"):
        size_of(path)


def test_postscript_starts_nothing(tmp_path, monkeypatch):
    marker = tmp_path / "started"
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: marker.touch())
    (tmp_path / "a.png").write_bytes(POSTSCRIPT)
    with pytest.raises(InputError):
        read_image(tmp_path / "a.png", IMAGE)
    with pytest.raises(UNREADABLE):
        read_header(tmp_path / "a.png")
    assert not marker.exists()


def test_missing_locked_damaged_and_unknown_files_are_told_apart(tmp_path):
    with pytest.raises(InputError, match=r"none\.png: image 7 is not there: add the file"):
        read_image(tmp_path / "none.png", IMAGE)
    with pytest.raises(InputError, match="is a folder, not a regular file"):
        read_image(tmp_path, IMAGE)
    PillowImage.new("RGB", (WIDTH, HEIGHT), "red").save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    (tmp_path / "odd.png").write_bytes(b"nothing")
    (tmp_path / "byte.png").write_bytes(b"\xff")
    for name in ("cut.png", "odd.png", "byte.png"):
        with pytest.raises(InputError, match="image 7 does not decode"):
            read_image(tmp_path / name, IMAGE)


def test_a_picture_of_another_size_is_not_decoded(tmp_path, monkeypatch):
    PillowImage.new("1", (9000, 9000)).save(tmp_path / "a.png")
    monkeypatch.setattr("ssd_det.batches.image_reading.load_stored", lambda _: pytest.fail("was decoded"))
    with pytest.raises(InputError, match=r"image 7 is 9000x9000, but the annotation file says 40x30"):
        read_image(tmp_path / "a.png", IMAGE)


def frames(count):
    noise = np.random.default_rng(0).integers(0, 256, (count, HEIGHT, WIDTH, 3)).astype(np.uint8)
    return [PillowImage.fromarray(frame) for frame in noise]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("photo.jpg", "MPO"),
        ("animated.gif", "GIF"),
        ("animated.webp", "WEBP"),
        ("animated.png", "PNG"),
        ("animated.avif", "AVIF"),
        ("pages.tif", "TIFF"),
        ("a.dng", "TIFF"),
        ("a.ppm", "PPM"),
        ("a.jp2", "JPEG2000"),
        ("a.bmp", "BMP"),
        ("called_png.png", "JPEG"),
    ],
)
def test_honest_pictures_are_read_whatever_they_are_called(tmp_path, name, kind):
    first, *rest = frames(3)
    several = {"save_all": True, "append_images": rest} if kind in {"MPO", "GIF", "WEBP", "PNG", "AVIF", "TIFF"} else {}
    first.save(tmp_path / name, kind, **several)
    assert read_image(tmp_path / name, Image(7, name, WIDTH, HEIGHT)).shape == (HEIGHT, WIDTH, 3)
    assert size_of(tmp_path / name) == (WIDTH, HEIGHT)
    assert format_of_picture((tmp_path / name).read_bytes()[:HEAD]) is None


def test_the_doctor_says_what_a_file_is(tmp_path):
    (tmp_path / "a.png").write_bytes(POSTSCRIPT)
    (tmp_path / "b.png").write_bytes(b"nothing")
    images = [{"id": key, "file_name": f"{key}.png", "width": 40, "height": 30} for key in "ab"]
    content = {"images": images, "annotations": [], "categories": []}
    faults = {fault.kind: fault.examples for fault in examine(content, tmp_path).faults}
    assert [(example["file_name"], example["content"]) for example in faults["other-format"]] == [
        ("a.png", "PostScript")
    ]
    assert [example["file_name"] for example in faults["unreadable-file"]] == ["b.png"]
