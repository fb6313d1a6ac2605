import json
import re

import pytest

from ssd_det.annotations.formats.destination import save_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.voc_xml import read_voc_file
from ssd_det.annotations.image_files import resolve_images
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotations.formats.folders import XML, contents, make_voc

ENCODINGS = ("utf-8", "utf-8-sig", "iso-8859-1", "windows-1252", "utf-16", "utf-16-be")


@pytest.fixture
def xml(tmp_path):
    def make(encoding="utf-8", text=XML):
        path = tmp_path / "0.xml"
        declared = encoding.replace("-sig", "").replace("-be", "")
        path.write_bytes(text.replace("{encoding}", declared).replace("{name}", "0.png").encode(encoding))
        return read_voc_file(path)

    return make


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_only_the_numbers_of_changed_boxes_change(xml, encoding):
    file = xml(encoding)
    assert [file.name_of(entry) for entry in file.objects] == ["Käfer", "dog", "dog"]
    assert file.box_of(file.objects[0]) == [4, 5, 15, 19]
    assert file.with_boxes({}) == (file.content, 0)
    new, _ = file.with_boxes({0: (5.4, 6.6, 10.0, 11.0), 1: (1.0, 2.0, 3.125, 4.0)})
    expected = file.content.decode(encoding)
    for old, text in (
        ("<ymax>25<", "<ymax>19<"),
        ("<xmin> 5 <", "<xmin> 6 <"),
        ("\n6<", "\n8<"),
        ("<xmax>20<", "<xmax>16<"),
        ("<xmin>3.50<", "<xmin>2.00<"),
        ("<ymin>4</ymin><xmax>9.25</xmax><ymax>8<", "<ymin>3.00</ymin><xmax>5.12</xmax><ymax>7.00<"),
    ):
        assert expected.count(old) == 1
        expected = expected.replace(old, text)
    assert new.decode(encoding) == expected


def test_boxes_are_clipped_to_the_image_and_never_left_empty(xml):
    file = xml()
    new, kept = file.with_boxes({0: (-5.0, 20.0, 100.0, 100.0), 2: (3.1, 3.1, 0.2, 9.0)})
    assert kept == 1
    assert b"<ymax>30</ymax><!-- low --><xmin> 1 </xmin><ymin>\n21</ymin><xmax>40</xmax>" in new
    assert b"<xmin>2</xmin><ymin>2</ymin><xmax>8</xmax><ymax>9</ymax></bndbox></object>\n  <size>" in new


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize(
    "declaration", ['<!ENTITY a "b">', '<!ENTITY a SYSTEM "file:///etc/passwd">', '<!ENTITY % a "b">']
)
def test_entities_are_refused_in_any_encoding(xml, encoding, declaration):
    with pytest.raises(InputError, match=r"0\.xml: declares entities or the like"):
        xml(encoding, XML.replace("<!-- drawn", f"<!DOCTYPE annotation [{declaration}]><!-- drawn"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmax>20", "<xmax>2", "the box of Käfer has its corners swapped: xmin 5, ymin 6, xmax 2"),
        ("<xmax>20</xmax>", "", "bndbox/xmax is missing"),
        ("<xmax>20", "<xmax>2&#48;", "bndbox/xmax is 20 in pieces: write it as a plain number"),
        ("<xmax>20", "<xmax>wide", "bndbox/xmax is wide: give a number"),
        ("</annotation>", "", "is not xml"),
        ("annotation", "annotations", "is xml of annotations, not of Pascal VOC"),
        (
            'encoding="utf-8"',
            'encoding="nonsense"',
            "is not in the encoding that it declares, nonsense: save it as UTF-8",
        ),
    ],
)
def test_bad_xml_is_named(tmp_path, old, new, message):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    path = root / "Annotations" / "0.xml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(InputError, match=rf"0\.xml: .*{message}"):
        read_annotations(root)


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path):
    root = make_voc(tmp_path / "voc")
    coco = read_annotations(root)
    assert [image.file_name for image in coco.images] == ["JPEGImages/0.png", "JPEGImages/1.png", "JPEGImages/2.png"]
    assert [category.name for category in coco.categories] == ["Käfer", "dog"]
    assert [a.difficult for a in coco.annotations] == [False, False, True] * 3
    assert coco.annotations[1].bbox == (2.5, 3, 5.75, 4)
    for image_root in (root, root / "JPEGImages"):
        assert resolve_images(read_annotations(root / "Annotations", image_root), image_root)[1] == []


def test_xml_beside_its_images(tmp_path):
    root = make_voc(tmp_path / "voc")
    for path in (*(root / "Annotations").iterdir(), *(root / "JPEGImages").iterdir()):
        path.rename(root / path.name)
    coco = read_annotations(root, root)
    assert [image.file_name for image in coco.images] == ["0.png", "1.png", "2.png"]
    assert resolve_images(coco, root)[1] == []


def test_folders_of_xml_are_folders_of_images(tmp_path):
    root = make_voc(tmp_path / "voc")
    for folder, suffix in (("Annotations", "xml"), ("JPEGImages", "png")):
        (root / folder / "deep").mkdir()
        (root / folder / f"1.{suffix}").rename(root / folder / "deep" / f"1.{suffix}")
    names = [image.file_name for image in read_annotations(root).images]
    assert names == ["JPEGImages/0.png", "JPEGImages/2.png", "JPEGImages/deep/1.png"]


def faults_of(root, **settings):
    """What a folder holds where faults are collected: the file and the kinds."""
    faults = []
    coco = read_annotations(root, on_fault=faults.append, **settings)
    return coco, [fault.kind for fault in faults]


def changed_voc(root, old, new, encodings=("utf-8",)):
    root = make_voc(root, encodings)
    path = root / "Annotations" / "0.xml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<width>40</width>", ""),
        ("<width>40<", "<width>0<"),
        ("<width>40</width><height>30</height>", "<width>0</width><height>0</height>"),
        ("<height>30<", "<height>-1<"),
        ("<height>30<", "<height>30.5<"),
        ("<height>30<", "<height>unknown<"),
        ("<size><width>40</width><height>30</height><depth>3</depth></size>", ""),
    ],
)
def test_a_size_that_is_none_is_that_of_the_image(tmp_path, old, new):
    root = changed_voc(tmp_path / "voc", old, new)
    coco, kinds = faults_of(root)
    assert kinds == ["size-from-image"]
    assert [(image.width, image.height) for image in coco.images] == [(40, 30)]
    (remark,) = read_annotations(root).source.remarks
    said = dict(re.findall("<(width|height)>(.*?)<", (root / "Annotations" / "0.xml").read_text()))
    width, height = (said.get(side, "missing") for side in ("width", "height"))
    assert f"0.xml: width is {width} and height is {height}, which is no size: 40x30 is taken from its" in remark
    new_files = read_annotations(root).source.rewritten({0: (30.0, 20.0, 90.0, 90.0)}, tmp_path / "new").files
    assert b"<ymax>30</ymax>" in new_files["Annotations/0.xml"]
    (root / "JPEGImages" / "0.png").unlink()
    with pytest.raises(InputError, match=r"0\.xml: size/(width|height) is "):
        read_annotations(root)
    coco, kinds = faults_of(root)
    assert (coco.images, kinds) == ([], ["unknown-size"])


@pytest.mark.parametrize(
    ("text", "value"),
    [("Unspecified", None), ("", None), ("nan", None), ("True", 1), ("yes", 1), ("false", 0), ("No", 0)],
)
def test_flags_that_are_no_numbers_are_read_or_left_out(tmp_path, text, value):
    root = changed_voc(tmp_path / "voc", "<difficult>1<", f"<difficult>{text}<")
    coco, kinds = faults_of(root)
    assert kinds == ["bad-flag"]
    assert coco.content["annotations"][2].get("difficult") == value
    assert coco.annotations[2].difficult == bool(value)
    assert ": object 3: difficult is " in read_annotations(root).source.remarks[0]


def test_a_share_that_is_truncated_is_kept(tmp_path):
    root = changed_voc(tmp_path / "voc", "<truncated>1<", "<truncated>0.0597<")
    coco, kinds = faults_of(root)
    assert (kinds, coco.content["annotations"][0]["truncated"]) == ([], 0.0597)


@pytest.mark.parametrize(
    ("encoding", "declared"),
    [("gbk", "GBK"), ("gb18030", "gb2312"), ("cp932", "Shift_JIS"), ("big5", "Big5"), ("euc-kr", "EUC-KR")],
)
def test_encodings_that_the_parser_cannot_read_are_read_and_written(tmp_path, encoding, declared):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    path = root / "Annotations" / "0.xml"
    name = {"euc-kr": "사람"}.get(encoding, "人車" if encoding != "gb18030" else "人車镕")
    text = XML.replace("{encoding}", declared).replace("{name}", "0.png").replace("Käfer", name)
    path.write_bytes(text.encode(encoding))
    coco = read_annotations(root)
    assert name in [category.name for category in coco.categories]
    assert coco.source.rewritten({}, tmp_path).files["Annotations/0.xml"] == path.read_bytes()
    new = coco.source.rewritten({0: (5.0, 6.0, 10.0, 11.0)}, tmp_path).files["Annotations/0.xml"]
    assert new.decode(encoding) == text.replace("> 5 <", "> 6 <").replace("\n6<", "\n7<").replace(
        "<xmax>20<", "<xmax>16<"
    ).replace("<ymax>25<", "<ymax>18<")


def test_an_undeclared_encoding_is_not_guessed(tmp_path):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    path = root / "Annotations" / "0.xml"
    path.write_bytes(
        XML.replace('<?xml version="1.0" encoding="{encoding}"?>', "").replace("Käfer", "行人").encode("gbk")
    )
    with pytest.raises(InputError, match=r"0\.xml: is not UTF-8 and declares no other encoding: save it as UTF-8"):
        read_annotations(root)


@pytest.mark.parametrize("content", [b"", b" \r\n", bytes(4096), b"\xff\xfe"])
def test_an_empty_file_is_called_so(tmp_path, content):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    (root / "Annotations" / "0.xml").write_bytes(content)
    with pytest.raises(InputError, match=r"0\.xml: is empty: replace the file\.$"):
        read_annotations(root)


def test_all_faults_are_named_and_what_is_sound_is_read(tmp_path):
    root = make_voc(tmp_path / "voc", ["utf-8"] * 4)
    folder = root / "Annotations"
    (folder / "0.xml").write_text("<annotation>")
    for number, changes in (
        (1, [("<xmax>20<", "<xmax>2<"), ("<xmin>3.50<", "<xmin>wide<")]),
        (2, [("<name>dog</name><difficult>", "<difficult>"), ("<truncated>1<", "<truncated>maybe<")]),
    ):
        text = (folder / f"{number}.xml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (folder / f"{number}.xml").write_text(text, encoding="utf-8")
    faults = []
    coco = read_annotations(root, on_fault=faults.append)
    assert sorted(fault.kind for fault in faults) == ["bad-flag", "bad-object", "bad-object", "bad-object", "bad-xml"]
    assert {fault.where.removeprefix(f"{folder}/") for fault in faults} == {
        "0.xml", "1.xml: object 1", "1.xml: object 2", "2.xml: object 3", "2.xml: object 1",
    }  # fmt: skip
    assert [len(coco.annotations_by_image[image.id]) for image in coco.images] == [1, 2, 3]
    copied = coco.source.rewritten({0: (2.0, 2.0, 3.0, 3.0)}, tmp_path / "copy").files
    assert copied["Annotations/0.xml"] == b"<annotation>"
    assert b"<xmin>3</xmin><ymin>3</ymin><xmax>6</xmax><ymax>6</ymax>" in copied["Annotations/1.xml"]


def test_a_folder_without_a_sound_file_is_read_where_faults_are_collected(tmp_path):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    (root / "Annotations" / "0.xml").write_text("nothing")
    coco, kinds = faults_of(root)
    assert (coco.images, kinds) == ([], ["bad-xml"])


@pytest.mark.parametrize(("origin", "x"), [(0, 2), (1, 1)])
def test_what_corners_count_from_can_be_said(tmp_path, origin, x):
    root = make_voc(tmp_path / "voc", ["utf-8"])
    words = [str(root), "--to=coco", f"--voc_origin={origin}", f"--output={tmp_path / 'a.json'}"]
    assert main(["convert-annotations", *words]) == 0
    content = json.loads((tmp_path / "a.json").read_text())
    assert content["annotations"][2]["bbox"][0] == x
    words = [str(tmp_path / "a.json"), f"--like={root}", f"--voc_origin={origin}", f"--output={tmp_path / 'new'}"]
    assert main(["convert-annotations", *words]) == 0
    assert contents(tmp_path / "new") == contents(root)


def test_corners_that_count_from_0_are_told_by_boxes_at_the_edge(tmp_path):
    root = changed_voc(tmp_path / "voc", "<xmin>2<", "<xmin>0<")
    coco, kinds = faults_of(root)
    assert kinds == ["counts-from-zero"]
    assert coco.annotations[2].bbox == (0, 2, 8, 7)
    assert coco.annotations[0].bbox == (5, 6, 15, 19)
    files = coco.source.rewritten({2: (-1.0, 0.0, 50.0, 7.0)}, tmp_path / "new").files
    assert b"<xmin>0</xmin><ymin>0</ymin><xmax>40</xmax><ymax>7</ymax>" in files["Annotations/0.xml"]

    path = root / "Annotations" / "0.xml"
    path.write_text(path.read_text(encoding="utf-8").replace("<ymin>4<", "<ymin>1<"), encoding="utf-8")
    coco, kinds = faults_of(root)
    assert kinds == ["counts-from-zero"], "as many at 1 as at 0: a slip in a file that counts from 1"
    assert coco.annotations[2].bbox == (-1, 1, 8, 7)


def test_the_list_of_classes_of_cvat_is_copied(tmp_path):
    root = make_voc(tmp_path / "voc")
    (root / "labelmap.txt").write_text("# label:color_rgb:parts:actions\ndog:::\n")
    coco = read_annotations(root)
    save_folder(coco, coco.content, tmp_path / "new")
    assert (tmp_path / "new/labelmap.txt").read_bytes() == (root / "labelmap.txt").read_bytes()
