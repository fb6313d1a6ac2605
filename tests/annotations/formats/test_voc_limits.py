"""Xml that would take long or much memory ends in a sentence; large honest files are read."""

import pytest

from ssd_det.annotations.formats.voc_xml import MOST_BYTES, read_voc_file
from ssd_det.errors import InputError

OBJECT = (
    "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox>"
    "<note>{}</note></object>"
)
BEYOND = {
    "nested": ("<a>" * 80_000 + "</a>" * 80_000, "has more than 50 levels, which no VOC file needs"),
    "not closed": ("<a>" * 180_000, "has more than 50 levels"),
    "elements": ("<a/>" * 400_000, "has more than 150,000 elements"),
    "objects": ("<object/>" * 300_000, "has more than 150,000 elements"),
    "lines": ("<filename>" + "\n" * 2_000_000 + "</filename>", "filename is "),
    "characters": ("<filename>" + "&#48;" * 500_000 + "</filename>", "filename is 0000"),
    "long": ("<object><name>" + "x" * 2_000_000 + "</name></object>", "object/name is xxxx"),
    "corner": ("<object><bndbox><xmin>" + "9" * 1_000_000 + "</xmin></bndbox></object>", "object/bndbox/xmin is 9999"),
    "size": (" " * MOST_BYTES, "has more than 4.194 MB, which no Pascal VOC xml file needs"),
}


@pytest.mark.parametrize("name", BEYOND)
def test_files_beyond_the_limits_end_in_a_short_sentence(tmp_path, name):
    content, sentence = BEYOND[name]
    path = tmp_path / "a.xml"
    path.write_text(f"<annotation>{content}</annotation>")
    with pytest.raises(InputError, match=sentence) as error:
        read_voc_file(path)
    assert len(str(error.value)) < 400 + len(str(path))


@pytest.mark.parametrize(
    "declaration",
    ['<!ENTITY b "c">', f'<!ATTLIST annotation a CDATA "{"x" * 1000}">', "<!ELEMENT annotation ANY>"],
    ids=["entity", "attribute", "element"],
)
def test_declarations_are_refused(tmp_path, declaration):
    (tmp_path / "a.xml").write_text(f"<!DOCTYPE annotation [{declaration}]><annotation/>")
    with pytest.raises(InputError, match="declares entities or the like in its DOCTYPE"):
        read_voc_file(tmp_path / "a.xml")


def test_a_doctype_without_declarations_is_read(tmp_path):
    (tmp_path / "a.xml").write_text('<!DOCTYPE annotation SYSTEM "voc.dtd"><annotation/>')
    assert read_voc_file(tmp_path / "a.xml").objects == []


@pytest.mark.parametrize("encoding", ["punycode", "idna"])
def test_encodings_of_other_things_are_not_tried(tmp_path, encoding):
    (tmp_path / "a.xml").write_text(f'<?xml version="1.0" encoding="{encoding}"?>' + "<a-" * 200_000)
    with pytest.raises(InputError, match="is not in the encoding that it declares"):
        read_voc_file(tmp_path / "a.xml")


def test_a_large_honest_file_is_read(tmp_path):
    path = tmp_path / "a.xml"
    noted = OBJECT.format("word \n" * 5)
    path.write_text(
        "<annotation>\n" + (noted + "\n") * 15_000 + "<segmented>" + "\n" * 5000 + "</segmented></annotation>"
    )
    file = read_voc_file(path)
    assert len(file.objects) == 15_000
    assert file.box_of(file.objects[-1]) == [0, 1, 29, 38]
    assert file.dropped["elements note"] == 15_000
