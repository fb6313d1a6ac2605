import pytest

from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.errors import InputError
from tests.annotations.formats.folders import make_voc, make_yolo


def test_each_format_is_recognised_by_its_files(tmp_path):
    yolo, voc = make_yolo(tmp_path / "yolo"), make_voc(tmp_path / "voc")
    for path in (yolo, yolo / "data.yaml", yolo / "labels"):
        assert recognise(path) == "yolo"
    for path in (voc, voc / "Annotations"):
        assert recognise(path) == "voc"
    assert recognise(tmp_path / "any.json") == "coco"


def test_a_folder_that_is_both_is_refused(tmp_path):
    root = make_voc(make_yolo(tmp_path / "both"))
    with pytest.raises(InputError, match="both: holds YOLO labels and Pascal VOC xml"):
        read_annotations(root)
    assert len(read_annotations(root / "data.yaml").annotations) == 5
    assert len(read_annotations(root / "Annotations").annotations) == 9


def test_labels_and_xml_in_one_folder_are_refused(tmp_path):
    root = make_voc(tmp_path / "voc")
    (root / "Annotations" / "0.txt").write_text("0 0.5 0.5 0.1 0.1\n")
    with pytest.raises(InputError, match="holds YOLO labels and Pascal VOC xml"):
        read_annotations(root)
    root = make_yolo(tmp_path / "yolo")
    (root / "labels" / "a.xml").write_text("<annotation/>")
    with pytest.raises(InputError, match=r"a\.xml: is xml among YOLO labels"):
        read_annotations(root)


def test_a_folder_without_annotations_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no annotations: give a json file"):
        read_annotations(tmp_path)


def test_labels_without_a_data_yaml_are_named(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    (root / "data.yaml").unlink()
    with pytest.raises(InputError, match=r"holds YOLO labels but no data\.yaml"):
        read_annotations(root)
