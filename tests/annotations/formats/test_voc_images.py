"""Which image an xml file is about, where its ``filename`` is older than its own name."""

import pytest
from PIL import Image

from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.image_files import resolve_images
from ssd_det.main import main
from tests.annotations.formats.folders import contents

XML = """<annotation><filename>{}</filename><size><width>40</width><height>30</height></size>
<object><name>cat</name><bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>20</xmax><ymax>21</ymax></bndbox></object>
</annotation>"""


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of images and of xml files, given as stem and ``filename``."""

    def make(images, filenames, xml_folder="Annotations", image_folder="JPEGImages"):
        for name in (xml_folder, image_folder):
            (tmp_path / "voc" / name).mkdir(parents=True, exist_ok=True)
        for name in images:
            path = tmp_path / "voc" / image_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (40, 30)).save(path)
        for number, (stem, filename) in enumerate(filenames.items()):
            path = tmp_path / "voc" / xml_folder / f"{stem}.xml"
            path.write_text(XML.format(filename, number + 2), encoding="utf-8")
        return tmp_path / "voc"

    return make


def found(root):
    """The image names and the kinds of faults."""
    faults = []
    coco = read_annotations(root, root, on_fault=faults.append)
    assert resolve_images(coco, root)[1] == []
    return [image.file_name.removeprefix("JPEGImages/") for image in coco.images], [fault.kind for fault in faults]


@pytest.mark.parametrize(
    ("images", "filenames", "names", "kinds"),
    [
        (["a.png", "b.png"], {"a": "b.png", "b": "b.png"}, ["a.png", "b.png"], ["stale-filename"]),
        (["a.png", "b.png"], {"a": "b.png", "b": "a.png"}, ["a.png", "b.png"], ["stale-filename"] * 2),
        (["a.png", "b.png"], {"a": "old/b.png", "b": "b.png"}, ["a.png", "b.png"], ["stale-filename"]),
        (["a.png", "b.png"], {"a": "D:\\pictures\\b.png", "b": "b.png"}, ["a.png", "b.png"], ["stale-filename"]),
        (["a.png"], {"a": "IMG_1.JPG"}, ["a.png"], ["renamed-image"]),
        (["a.png"], {"a": "a"}, ["a.png"], ["renamed-image"]),
        (["a.png"], {"a": "a.jpg"}, ["a.png"], ["renamed-image"]),
        (["a.png", "b.png"], {"a": "b", "b": "b"}, ["a.png", "b.png"], ["renamed-image"] * 2),
        (["b.png"], {"a": "b"}, ["b.png"], ["renamed-image"]),
        (["b.png"], {"a": "b.png"}, ["b.png"], []),
        (["a.png"], {"a": ""}, ["a.png"], []),
        (["a.png", "a.jpg"], {"a": "a.png"}, ["a.png"], []),
        (["a.png", "a.jpg"], {"a": "a.jpg"}, ["a.jpg"], []),
        (["a b.png"], {"a b": "a%20b.png"}, ["a b.png"], []),
        (["one/a.png", "two/a.png"], {"a": "two/a.png"}, ["two/a.png"], []),
        (["one/a.png"], {"a": "b.png"}, ["one/a.png"], ["renamed-image"]),
        (["a.v2.png"], {"a.v2": "a.v2"}, ["a.v2.png"], ["renamed-image"]),
    ],
)
def test_an_xml_file_is_about_the_image_that_is_called_like_it(folder, images, filenames, names, kinds):
    assert found(folder(images, filenames)) == (names, kinds)


def test_stale_names_do_not_join_the_boxes_of_different_images_and_stay_in_the_files(folder, tmp_path, capsys):
    root = folder(["a.png", "b.png", "c.png"], {"a": "b.png", "b": "b.png", "c": "a.png"})
    out = tmp_path / "yolo"
    assert main(["convert-annotations", str(root), f"--image_root={root}", "--to=yolo", f"--output={out}"]) == 0
    warning = capsys.readouterr().err
    assert "filename is b.png, but a.png is called like the xml file and is taken" in warning
    assert "1 more like this" in warning
    assert [len((out / "labels" / f"{stem}.txt").read_text().splitlines()) for stem in "abc"] == [1, 1, 1]
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(root), f"--output={copy}", "--noise_level=0", "--seed=0"]) == 0
    assert contents(copy) == contents(root)


@pytest.mark.parametrize(
    ("xml_folder", "image_folder"),
    [
        ("annotations", "images"),
        ("ANNOTATIONS", "Images"),
        ("Annotations", "JpegImages"),
        (".", "."),
        (".", "images"),
        ("annotations/xmls", "images"),
    ],
)
def test_folders_are_found_in_any_spelling_and_the_copy_has_the_images(folder, tmp_path, xml_folder, image_folder):
    root = folder(["a.png", "b.png"], {"a": "a.png", "b": "b.png"}, xml_folder, image_folder)
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(root), f"--output={copy}", "--noise_level=0", "--seed=0"]) == 0
    assert contents(copy) == contents(root)
    coco = read_annotations(copy)
    assert resolve_images(coco, copy)[1] == []


def test_xml_files_beside_images_do_not_link_images_of_others(folder, tmp_path):
    root = folder(["a.png", "b.png", "runs/page.png"], {"a": "a.png"}, ".", ".")
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(root), f"--output={copy}", "--noise_level=0", "--seed=0"]) == 0
    assert set(contents(copy)) == {"a.png", "a.xml"}


def test_images_elsewhere_are_found_by_their_stem_as_well(folder, tmp_path):
    root = folder([], {"a": "old.png"})
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.new("RGB", (40, 30)).save(pictures / "a.png")
    (root / "JPEGImages").rmdir()
    coco = read_annotations(root, pictures)
    assert [image.file_name for image in coco.images] == ["a.png"]


def test_folders_of_roboflow_are_read_together_or_one_at_a_time(folder, tmp_path):
    folder(["a_jpg.rf.1.jpg"], {"a_jpg.rf.1": "a_jpg.rf.1.jpg"}, "train", "train")
    root = folder(["b_jpg.rf.2.jpg"], {"b_jpg.rf.2": "b_jpg.rf.2.jpg"}, "valid", "valid")
    (root / "other").mkdir()
    (root / "other" / "settings.xml").write_text("<settings/>")
    assert found(root) == (["train/a_jpg.rf.1.jpg", "valid/b_jpg.rf.2.jpg"], [])
    assert found(root / "valid") == (["b_jpg.rf.2.jpg"], [])
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(root), f"--output={copy}", "--noise_level=0", "--seed=0"]) == 0
    assert set(contents(root)) - set(contents(copy)) == {"other/settings.xml"}
