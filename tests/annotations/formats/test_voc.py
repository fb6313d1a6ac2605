import pytest

from ssd_det.annotations.formats.destination import save_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.voc_xml import read_voc_file
from ssd_det.annotations.image_files import resolve_images
from ssd_det.errors import InputError
from tests.annotations.formats.folders import XML, make_voc

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
    with pytest.raises(InputError, match=r"0\.xml: declares entities \(a\)"):
        xml(encoding, XML.replace("<!-- drawn", f"<!DOCTYPE annotation [{declaration}]><!-- drawn"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<xmax>20", "<xmax>2", "the box of Käfer has its corners swapped: xmin 5, ymin 6, xmax 2"),
        ("<width>40</width>", "", "size/width is missing"),
        ("<xmax>20</xmax>", "", "bndbox/xmax is missing"),
        ("<xmax>20", "<xmax>2&#48;", "bndbox/xmax is 20 in pieces: write it as a plain number"),
        ("<xmax>20", "<xmax>wide", "bndbox/xmax is wide: give a number"),
        ("</annotation>", "", "is not xml"),
        ("annotation", "annotations", "is xml of annotations, not of Pascal VOC"),
        ('encoding="utf-8"', 'encoding="nonsense"', "is not xml"),
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


def test_the_list_of_classes_of_cvat_is_copied(tmp_path):
    root = make_voc(tmp_path / "voc")
    (root / "labelmap.txt").write_text("# label:color_rgb:parts:actions\ndog:::\n")
    coco = read_annotations(root)
    save_folder(coco, coco.content, tmp_path / "new")
    assert (tmp_path / "new/labelmap.txt").read_bytes() == (root / "labelmap.txt").read_bytes()
