"""Files with anything in them are read, or refused in one sentence."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ssd_det.errors import InputError
from ssd_det.formats.voc_xml import read_voc_file
from ssd_det.formats.yolo_labels import parse_labels
from ssd_det.formats.yolo_layout import read_layout
from tests.formats.folders import LABELS, XML

VOC = XML.replace("{encoding}", "utf-8").replace("{name}", "0.png").encode()
YAML = b"path: .\ntrain: [images, list.txt]\nval: images\nkpt_shape: [17, 3]\nnames: {0: cat, 1: no}\n"
pieces = st.one_of(
    st.binary(max_size=4),
    st.sampled_from(
        [b"nan", b"1e309", b"-1", b"&#48;", b"<!ENTITY a 'b'>", b"*a", b"&a ", b"..", b"1_0", b"\xef\xbc\x95"]
    ),
)


@st.composite
def spoilt(draw, content):
    """Content in which some pieces are replaced, repeated or missing."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(start + 40, len(content))))
        content = content[:start] + draw(pieces) + content[end:]
    return content


def read_labels(path):
    return [label.box for label in parse_labels(path, path.read_bytes(), {0: "cat", 1: "no"}, None)]


def read_xml(path):
    file = read_voc_file(path)
    boxes = {place: (*file.box_of(entry),) for place, entry in enumerate(file.objects)}
    assert file.with_boxes({})[0] == path.read_bytes()
    return file.size(), [file.name_of(entry) for entry in file.objects], file.with_boxes(boxes)


def read_yaml(path):
    return read_layout(path).places()


@pytest.mark.parametrize(
    ("read", "name", "content"),
    [(read_labels, "a.txt", LABELS["b"]), (read_xml, "a.xml", VOC), (read_yaml, "data.yaml", YAML)],
)
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spoilt_files_end_in_one_sentence(data, tmp_path, read, name, content):
    (tmp_path / "images").mkdir(exist_ok=True)
    (tmp_path / "images" / "a.png").write_bytes(b"")
    (tmp_path / "list.txt").write_text("./images/a.png\n")
    path = tmp_path / name
    path.write_bytes(data.draw(spoilt(content)))
    sentence = ""
    try:
        read(path)
    except InputError as error:
        sentence = str(error)
    assert "\n" not in sentence
    assert not sentence or str(tmp_path) in sentence
