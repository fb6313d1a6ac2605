from typing import get_args

import pytest

from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.recognise import format_of
from ssd_det.annotations.formats.table import FORMATS, FormatName
from tests.annotations.formats.folders import make_voc, make_yolo


def test_every_name_has_a_format():
    assert tuple(FORMATS) == get_args(FormatName)
    titles = [annotation_format.title for annotation_format in FORMATS.values()]
    assert titles == ["COCO json", "YOLO folder", "Pascal VOC folder"]


@pytest.mark.parametrize(("make", "parts"), [(make_yolo, ("data.yaml", "labels")), (make_voc, ("Annotations",))])
def test_all_paths_of_a_folder_have_its_dataset_root(tmp_path, monkeypatch, make, parts):
    root = make(tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    for path in (root, *(root / part for part in parts), root.relative_to(tmp_path)):
        annotation_format = format_of(path)
        assert isinstance(annotation_format, FolderFormat)
        assert annotation_format.dataset_root(path) == root


@pytest.mark.parametrize("make", [make_yolo, make_voc])
def test_files_that_a_folder_depends_on_are_tracked_and_images_are_not(tmp_path, make):
    root = make(tmp_path / "data")
    tracked = {file.relative_to(root).as_posix() for file in format_of(root).tracked_files(root)}
    yolo = {"data.yaml", "labels/a.txt", "labels/b.txt"}
    assert tracked == (yolo if make is make_yolo else {f"Annotations/{number}.xml" for number in range(3)})
