"""Files that are not UTF-8 are refused with the one thing to do."""

import json

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.data_yaml import read_data_yaml
from ssd_det.annotations.text_encodings import other_encoding, wide_encoding
from ssd_det.errors import InputError
from tests.annotation_content import clean_content

WIDE = ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le"]


@pytest.mark.parametrize("encoding", WIDE)
def test_wide_encodings_are_named_with_and_without_a_mark(tmp_path, encoding):
    path = tmp_path / "in.json"
    path.write_bytes(json.dumps(clean_content()).encode(encoding))
    name = encoding[:6].upper()
    with pytest.raises(InputError, match=f"in.json: is {name}: save it as UTF-8.$"):
        read_coco(path)


@pytest.mark.parametrize(
    ("name", "encoding", "said"), [("图像.jpg", "gbk", "GBK"), ("Gänse café.jpg", "latin-1", "Latin-1")]
)
def test_encodings_of_eight_bits_are_named(tmp_path, name, encoding, said):
    path = tmp_path / "in.json"
    path.write_bytes(json.dumps({"images": [{"file_name": name}]}, ensure_ascii=False).encode(encoding))
    with pytest.raises(InputError, match=f"is not UTF-8, but {said} or the like: save it as UTF-8.$"):
        read_coco(path)
    yaml = tmp_path / "data.yaml"
    yaml.write_bytes(f"train: .\nnames: [{name}]\n".encode(encoding))
    with pytest.raises(InputError, match=f"data.yaml: is not UTF-8, but {said} or the like: save it as UTF-8.$"):
        read_data_yaml(yaml)


def test_a_mark_of_utf_8_is_no_fault(tmp_path):
    path = tmp_path / "in.json"
    path.write_bytes(json.dumps(clean_content(), ensure_ascii=False).encode("utf-8-sig"))
    assert len(read_coco(path).images) == 3


@pytest.mark.parametrize("content", [b"", b" \r\n", b"\xef\xbb\xbf", b"\xff\xfe", bytes(4), bytes(4096)])
def test_an_empty_file_is_called_so_and_has_no_encoding(tmp_path, content):
    path = tmp_path / "in.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"in\.json: is empty: give a COCO json file\.$"):
        read_coco(path)
    assert wide_encoding(content) is None


def test_what_is_no_text_has_no_encoding(tmp_path):
    path = tmp_path / "in.json"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff")
    assert other_encoding(path.read_bytes()) is None
    with pytest.raises(InputError, match="is not json"):
        read_coco(path)
    assert other_encoding(b"\xff\xfeodd") is None
