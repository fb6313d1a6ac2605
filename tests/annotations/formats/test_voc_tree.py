import json

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.voc_tree import convert_voc_tree
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotations.formats.folders import contents
from tests.command import fails
from tests.voc_tree import make_voc_tree

XML = """<annotation><folder>VOC2007</folder><filename>a.jpg</filename>
<size><width>353</width><height>500</height><depth>3</depth></size>
<object><name>dog</name><pose>Left</pose><truncated>1</truncated><difficult>0</difficult>
<bndbox><xmin>48</xmin><ymin>240</ymin><xmax>195</xmax><ymax>371</ymax></bndbox>
<part><name>head</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part></object>
<object><name>person</name><pose>Unspecified</pose><truncated>0</truncated><occluded>1</occluded>
<difficult>1</difficult>
<bndbox><xmin>8.5</xmin><ymin>12</ymin><xmax>352</xmax><ymax>498</ymax></bndbox></object></annotation>"""


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "VOC2007"
    for name in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / name).mkdir(parents=True)
    (root / "ImageSets" / "Main" / "trainval.txt").write_text("a\n")
    (root / "ImageSets" / "Main" / "dog_trainval.txt").write_text("a  1\n")
    (root / "Annotations" / "a.xml").write_text(XML)
    other = XML.replace("<name>dog", "<name>cat").replace("a.jpg", "b.jpg")
    (root / "Annotations" / "b.xml").write_text(other)
    return root


def test_corners_lose_one_and_every_flag_stays(tree):
    content = convert_voc_tree(tree, "trainval")
    assert content["images"] == [{"id": 1, "file_name": "a.jpg", "width": 353, "height": 500}]
    assert [entry["name"] for entry in content["categories"]] == ["cat", "dog", "person"], "those of all splits"
    dog, person = content["annotations"]
    assert dog == {
        "id": 1,
        "image_id": 1,
        "category_id": 2,
        "bbox": [47, 239, 147, 131],
        "area": 147 * 131,
        "iscrowd": 0,
        "difficult": 0,
        "truncated": 1,
        "pose": "Left",
    }
    assert person["bbox"] == [7.5, 11, 343.5, 486]
    assert (person["difficult"], person["truncated"], person["occluded"]) == (1, 0, 1)


def test_lists_with_a_second_column_are_read_by_their_first(tree):
    assert convert_voc_tree(tree, "dog_trainval") == convert_voc_tree(tree, "trainval")


def test_a_difficult_object_is_left_alone(tree, tmp_path):
    path = tmp_path / "voc.json"
    path.write_text(json.dumps(convert_voc_tree(tree, "trainval")))
    coco = read_coco(path)
    assert [coco.why_unusable(annotation) for annotation in coco.annotations] == [None, "difficult"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-5], "a.xml: is not xml"),
        (lambda text: text.replace("<xmax>195", "<xmax>4"), "the box of dog has its corners swapped"),
        (lambda text: text.replace("<xmin>48", "<xmin>left"), "a.xml: object 1: bndbox/xmin is left: give a number"),
        (lambda text: text.replace("<width>353</width>", ""), "a.xml: size/width is missing"),
        (lambda text: text.replace("<xmin>48", "<xmin>nan"), "a.xml: object 1: bndbox/xmin is nan: give a number"),
        (lambda text: text.replace("<width>353", "<width>0"), "a.xml: size/width is 0: give a whole number from 1 up"),
        (lambda text: text.replace("<height>500", "<height>60.5"), "a.xml: size/height is 60.5: give a whole number"),
        (lambda text: text.replace("<name>dog</name>", ""), "an object has no name"),
        (lambda text: '<!DOCTYPE a [<!ENTITY b "c">]>' + text, "a.xml: declares entities"),
    ],
)
def test_bad_files_are_named_and_nothing_is_written(tree, tmp_path, capsys, change, message):
    path = tree / "Annotations" / "a.xml"
    path.write_text(change(path.read_text()))
    assert main(["convert-voc", str(tree), "--split=trainval", f"--output={tmp_path / 'a.json'}"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "a.json").exists()


def test_a_name_counts_once_and_without_the_blanks_around_it(tree):
    (tree / "ImageSets" / "Main" / "trainval.txt").write_text("a\na\n")
    path = tree / "Annotations" / "a.xml"
    path.write_text(path.read_text().replace("a.jpg", "\n a.jpg "))
    assert [image["file_name"] for image in convert_voc_tree(tree, "trainval")["images"]] == ["a.jpg"]


def test_files_that_cannot_be_read_are_named(tree):
    (tree / "Annotations" / "c.xml").mkdir()
    with pytest.raises(InputError, match=r"c.xml: is a folder, not a regular file"):
        convert_voc_tree(tree, "trainval")
    (tree / "ImageSets" / "Main" / "trainval.txt").write_bytes(b"\xff\n")
    with pytest.raises(InputError, match=r"trainval.txt: cannot be read"):
        convert_voc_tree(tree, "trainval")


def test_missing_files_are_named(tree, tmp_path):
    fix = r"give a split that has one \(dog_trainval, trainval\)\.$"
    with pytest.raises(InputError, match=rf"/val\.txt: there is no such list: {fix}"):
        convert_voc_tree(tree, "val")
    with pytest.raises(InputError, match=r"Annotations: there is no such folder: give the folder that holds Annotatio"):
        convert_voc_tree(tmp_path, "trainval")
    (tree / "ImageSets" / "Main" / "trainval.txt").write_text("c\n")
    with pytest.raises(InputError, match=r"c.xml: there is no such file"):
        convert_voc_tree(tree, "trainval")
    (tree / "ImageSets" / "Main" / "trainval.txt").write_text("\n")
    with pytest.raises(InputError, match=r"lists no images"):
        convert_voc_tree(tree, "trainval")
    for path in (tree / "ImageSets" / "Main").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"/val\.txt: there is no such list: add it, with the names of images"):
        convert_voc_tree(tree, "val")


def test_the_command_converts_a_tree(demo, tmp_path, capsys):
    make_voc_tree(tmp_path / "VOC2007", demo, {"trainval": "train.json"})
    output = tmp_path / "train.json"
    assert main(["convert-voc", str(tmp_path / "VOC2007"), "--split=trainval", f"--output={output}"]) == 0
    converted, original = read_coco(output), read_coco(demo / "train.json")
    for found, expected in zip(converted.annotations, original.annotations, strict=True):
        assert found.bbox == pytest.approx(expected.bbox, abs=1.01)
    difficult = sum(annotation.difficult for annotation in converted.annotations)
    assert f"{difficult} difficult" in capsys.readouterr().out
    assert difficult > 0
    assert main(["check-annotations", str(output), f"--image_root={tmp_path / 'VOC2007' / 'JPEGImages'}"]) == 0


@pytest.mark.parametrize(
    "name", ["Annotations/a.xml", "ImageSets/Main/trainval.txt", "JPEGImages/a.jpg", "ImageSets/Main/dog_trainval.txt"]
)
def test_no_file_of_the_tree_is_replaced(tree, capsys, name):
    (tree / "JPEGImages" / "a.jpg").write_bytes(b"picture")
    before = contents(tree)
    words = ["convert-voc", str(tree), "--split=trainval", f"--output={tree / name}", "--overwrite"]
    fails(capsys, main(words), "is an input that would be lost")
    assert contents(tree) == before
