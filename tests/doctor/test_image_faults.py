"""Faults that show only in the image files."""

import json

import numpy as np
import pytest
from PIL import Image, ImageOps

from ssd_det.doctor.examination import examine, fix_faults
from ssd_det.errors import InputError
from ssd_det.ops.exif_turns import turned_boxes
from tests.annotation_content import clean_content


@pytest.fixture
def images(tmp_path):
    """The files of the clean content's images."""
    folder = tmp_path / "images"
    (folder / "sub").mkdir(parents=True)
    for number in (1, 2, 3):
        save(folder / "sub" / f"{number}.png", 200, 100)
    return folder


def save(path, width, height, orientation=None):
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    Image.new("RGB", (width, height)).save(path, exif=exif)


def kinds(content, images):
    return {fault.kind: fault.count for fault in examine(content, images).faults}


def test_a_clean_folder_has_no_faults(images):
    assert kinds(clean_content(), images) == {}


def test_missing_unreadable_shared_and_unnamed_files_are_found(images):
    (images / "sub" / "1.png").unlink()
    (images / "sub" / "2.png").write_bytes(b"nothing")
    (images / "notes.txt").write_text("")
    save(images / "extra.PNG", 5, 5)
    content = clean_content()
    content["images"].append({**content["images"][2], "id": 4, "file_name": "export/sub/3.png"})
    assert kinds(content, images) == {
        "missing-file": 1,
        "unreadable-file": 1,
        "shared-file": 1,
        "unnamed-file": 1,
        "empty-image": 1,
    }


def test_links_are_followed_and_a_file_is_recognised_by_any_of_its_paths(images):
    (images / "again").symlink_to(images / "sub")
    elsewhere = images.parent / "elsewhere"
    elsewhere.mkdir()
    (images / "linked").symlink_to(elsewhere)
    assert kinds(clean_content(), images) == {}
    save(elsewhere / "extra.gif", 5, 5)
    (fault,) = examine(clean_content(), images).faults
    assert (fault.kind, fault.examples) == ("unnamed-file", [{"file_name": "linked/extra.gif"}])


@pytest.mark.parametrize("name", ["\0", "\ud800", "x" * 5000, "sub", "a/" * 40])
def test_names_that_no_file_can_have_are_reported_as_missing(images, name):
    content = clean_content()
    content["images"][0]["file_name"] = name
    assert kinds(content, images) == {"missing-file": 1, "unnamed-file": 1}


def test_names_that_lead_out_and_names_that_fit_several_files_are_distinct_faults(images):
    content = clean_content()
    content["images"][0]["file_name"] = "../images/a.png"
    for folder in ("first", "second"):
        (images / folder).mkdir()
        save(images / folder / "same.png", 10, 10)
    content["images"][1]["file_name"] = "same.png"
    counts = kinds(content, images)
    assert counts["outside-file"] == 1
    assert counts["ambiguous-name"] == 1
    assert "missing-file" not in counts


def test_a_size_is_taken_from_the_file_unless_boxes_contradict_it(images):
    save(images / "sub" / "1.png", 210, 100)
    save(images / "sub" / "2.png", 100, 50)
    content = clean_content()
    examination = examine(content, images)
    assert {fault.kind for fault in examination.faults} == {"size-mismatch", "resized-file"}
    fixed = fix_faults(content, examination).content
    assert [(i["width"], i["height"]) for i in fixed["images"]] == [(210, 100), (200, 100), (200, 100)]
    assert fixed["annotations"] == content["annotations"]


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_of_a_rotated_picture_are_rotated_to_its_pixels(tmp_path, orientation):
    pixels = np.zeros((40, 70, 3), dtype=np.uint8)
    pixels[4:15, 20:53] = 255  # x 20, y 4, 33 wide, 11 high
    stored = Image.fromarray(pixels)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as file:
        displayed = np.array(ImageOps.exif_transpose(file))[:, :, 0]
    rows, columns = np.flatnonzero(displayed.any(axis=1)), np.flatnonzero(displayed.any(axis=0))
    x, y, width, height = columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1
    box = [int(value) for value in (x, y, width, height)]
    stored_box = turned_boxes(np.array([box], dtype=float), np.array([orientation]), np.array([[70.0, 40.0]]))
    assert stored_box.tolist() == [[20, 4, 33, 11]]

    entry = {"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "true_bbox": box}
    entry["segmentation"] = [[box[0], box[1], box[0] + box[2], box[1], box[0] + box[2], box[1] + box[3]]]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 40, "height": 70}],
        "annotations": [entry],
        "categories": [{"id": 1, "name": "cat"}],
    }
    examination = examine(content, tmp_path)
    assert [fault.kind for fault in examination.faults] == ["rotated-size"]
    fixed = fix_faults(content, examination)
    (turned,) = fixed.content["annotations"]
    assert turned["bbox"] == turned["true_bbox"] == [20, 4, 33, 11]
    corners = np.array(turned["segmentation"]).reshape(-1, 2)
    assert [*corners.min(axis=0), *corners.max(axis=0)] == [20, 4, 53, 15]
    assert fixed.content["images"][0] == {"id": 1, "file_name": "a.png", "width": 70, "height": 40}
    assert fixed.left.faults == []

    entry["segmentation"] = {"size": [70, 40], "counts": "x"}
    examination = examine(content, tmp_path)
    assert [fault.kind for fault in examination.faults] == ["rotated-masks"]
    assert fix_faults(content, examination).content == content


def test_the_stored_size_of_a_rotated_picture_is_correct(images):
    save(images / "sub" / "1.png", 200, 100, orientation=6)
    assert kinds(clean_content(), images) == {}


def test_an_image_root_that_is_not_a_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no such folder: give the folder of the images"):
        examine(json.loads(json.dumps(clean_content())), tmp_path / "none")


@pytest.mark.parametrize("suffix", ["tif", "jpg"])
def test_boxes_in_stored_pixels_are_right_in_any_format(tmp_path, suffix):
    save(tmp_path / f"a.{suffix}", 64, 48, orientation=6)
    content = {
        "images": [{"id": 1, "file_name": f"a.{suffix}", "width": 64, "height": 48}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [30, 4, 10, 20]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
    assert kinds(content, tmp_path) == {}
    (fault,) = examine(content, tmp_path, of_files=[]).faults
    assert (fault.kind, fault.count, fault.details.severity) == ("turned-photo", 1, "warning")


def test_an_image_with_too_many_pixels_is_not_called_unreadable(images, monkeypatch):
    save(images / "sub" / "1.png", 3000, 1000)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000_000)
    assert kinds(clean_content(), images) == {"huge-image": 1}


def test_a_missing_size_is_taken_from_the_file_where_the_boxes_fit_it(images):
    content = clean_content()
    original = clean_content()
    del content["images"][0]["width"], content["images"][0]["height"]
    content["images"][1].update(width=None, height=0)
    assert kinds(content, None) == {"bad-image-size": 2}
    fixed = fix_faults(content, examine(content, images))
    assert fixed.done == {"size-from-file": 2}
    assert fixed.content == original
    content["annotations"][0].update(bbox=[300, 12, 30, 41], segmentation=None)
    assert kinds(content, images)["bad-image-size"] == 1


def test_a_missing_size_is_that_of_the_displayed_picture_where_the_boxes_fit_that_alone(images):
    save(images / "sub" / "1.png", 100, 200, orientation=6)
    content = clean_content()
    del content["images"][0]["width"], content["images"][0]["height"]
    fixed = fix_faults(content, examine(content, images))
    assert fixed.done == {"rotated-size": 1, "size-from-file": 1}
    assert (fixed.content["images"][0]["width"], fixed.content["images"][0]["height"]) == (100, 200)
    assert fixed.content["annotations"][0]["bbox"] == [12, 200 - 1 - 30, 41, 30]
    assert fixed.left.faults == []


def test_backslashes_stay_where_the_file_is_called_so(images):
    content = clean_content()
    (images / "sub" / "1.png").rename(images / "sub\\1.png")
    content["images"][0]["file_name"] = "sub\\1.png"
    content["images"][1]["file_name"] = "sub\\2.png"
    examination = examine(content, images)
    (fault,) = examination.faults
    assert (fault.kind, fault.count) == ("backslash-in-name", 1)
    names = [image["file_name"] for image in fix_faults(content, examination).content["images"]]
    assert names == ["sub\\1.png", "sub/2.png", "sub/3.png"]
