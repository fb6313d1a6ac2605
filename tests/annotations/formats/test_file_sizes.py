"""Sizes that are not those of the image files: the labels of a new folder would be wrong."""

import json

import pytest
from PIL import Image

from ssd_det.main import main
from tests.annotations.formats.folders import contents, make_voc


@pytest.fixture
def convert(tmp_path, capsys):
    """Convert annotations of the images in ``tmp_path``; returns the exit code and what is said of errors."""

    def run(annotations, *words):
        words = [str(annotations), f"--image_root={tmp_path}", f"--output={tmp_path / 'new'}", *words]
        code = main(["convert-annotations", *words])
        return code, capsys.readouterr().err

    return run


def save_sideways(path, size):
    """A picture that EXIF shows on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", size).save(path, exif=exif)


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_images_of_another_size_are_named_with_both_sizes(make_coco, make_image, tmp_path, convert, target):
    make_image("a.png", width=80, height=60)
    path = make_coco()
    before = contents(tmp_path)
    code, error = convert(path, f"--to={target}")
    assert code == 2
    assert f"{path}: image 1 is 40x30, but {tmp_path / 'a.png'} is 80x60: " in error
    assert f"as ssd-det check-annotations {path} --image_root {tmp_path} --fix does" in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before


def test_what_the_error_advises_helps(make_coco, make_image, tmp_path, convert):
    make_image("a.png", width=80, height=60)
    fixed = tmp_path / "fixed.json"
    main(["check-annotations", str(make_coco()), f"--image_root={tmp_path}", f"--fix={fixed}"])
    assert convert(fixed, "--to=yolo")[0] == 0


@pytest.mark.parametrize("exif", ["ignore", "apply"])
def test_coco_with_the_size_that_exif_shows_is_refused(make_coco, tmp_path, convert, exif):
    save_sideways(tmp_path / "a.png", (30, 40))
    code, error = convert(make_coco(), "--to=yolo", f"--exif={exif}")
    assert code == 2
    assert "image 1 is 40x30, but" in error
    assert "check-annotations" in error


def test_voc_with_the_size_that_exif_shows_takes_exif_apply(tmp_path, convert):
    root = make_voc(tmp_path / "voc")
    save_sideways(root / "JPEGImages" / "1.png", (30, 40))
    code, error = convert(root, "--to=yolo")
    assert code == 2
    assert "1.png is 30x40: EXIF turns this picture: give --exif apply." in error
    assert convert(root, "--to=yolo", "--exif=apply")[0] == 0


def test_images_that_cannot_be_read_and_coco_json_are_not_refused(make_coco, make_image, tmp_path, convert):
    (tmp_path / "a.png").write_text("not a picture")
    assert convert(make_coco(), "--to=yolo")[0] == 0
    make_image("a.png", width=80, height=60)
    assert convert(make_coco(), "--to=coco", f"--output={tmp_path / 'new.json'}")[0] == 0


def test_boxes_of_another_size_are_not_put_into_a_folder(tmp_path, capsys):
    root = make_voc(tmp_path / "voc")
    words = [str(root), "--to=coco", f"--output={tmp_path / 'a.json'}"]
    assert main(["convert-annotations", *words]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    content["images"][1].update(width=80, height=60)
    (tmp_path / "a.json").write_text(json.dumps(content))
    capsys.readouterr()
    words = [str(tmp_path / "a.json"), f"--like={root}", f"--image_root={root}", f"--output={tmp_path / 'out'}"]
    assert main(["convert-annotations", *words]) == 2
    assert f"a.json: image 2 is 80x60, but 40x30 in {root}: give the folder" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
