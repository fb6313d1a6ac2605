import json
import os

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.main import main
from tests.annotations.formats.folders import contents, make_voc, make_yolo


@pytest.fixture(params=["yolo", "voc"])
def folder(request, tmp_path, monkeypatch):
    """A folder of each format, named after it, in the working directory."""
    monkeypatch.chdir(tmp_path)
    return (make_yolo if request.param == "yolo" else make_voc)(tmp_path / request.param)


def corrupt(folder, *more, level=0.3, output="out"):
    return main(["corrupt-annotations", str(folder), f"--noise_level={level}", f"--output={output}", *more])


def test_nothing_changes_where_no_box_changes(folder, tmp_path):
    before = contents(folder)
    assert corrupt(folder, level=0) == 0
    assert contents(tmp_path / "out") == before
    assert contents(folder) == before


def test_a_copy_has_other_boxes_and_is_read_as_its_json_is(folder, tmp_path):
    before = contents(folder)
    assert corrupt(folder) == 0
    after = contents(tmp_path / "out")
    assert contents(folder) == before
    assert after.keys() == before.keys()
    changed = {name for name in before if after[name] != before[name]}
    assert changed
    assert all(name.startswith(("labels/", "Annotations/")) for name in changed)
    copy, beside = read_annotations("out"), read_coco("noisy.json")
    assert [(a.id, a.image_id, a.category_id) for a in copy.annotations] == [
        (a.id, a.image_id, a.category_id) for a in beside.annotations
    ]
    for found, expected in zip(copy.annotations, beside.annotations, strict=True):
        assert found.bbox == pytest.approx(expected.bbox, abs=1.01 if folder.name == "voc" else 1e-3)
    assert sum(a.true_bbox is not None for a in beside.annotations) == (6 if folder.name == "voc" else 4)
    assert main(["compare-annotations", "out", f"--reference={folder}"]) == 0
    assert main(["compare-annotations", "noisy.json", f"--reference={folder}", f"--before={folder}"]) == 0
    for name in ("out", folder.name):
        assert main(["check-annotations", name, f"--image_root={name}"]) == 0
    assert main(["draw-annotations", "out", "--image_root=out", "--output=pictures", "--count=1"]) == 0


def test_true_boxes_are_in_the_json_beside_a_folder(folder, tmp_path, capsys):
    assert corrupt(folder) == 0
    for path in ("out", "out/data.yaml") if folder.name == "yolo" else ("out", "out/Annotations"):
        assert main(["true-annotations", path, "--output=true.json"]) == 2
        assert f"{path}: label files cannot hold true boxes: give the noisy.json" in capsys.readouterr().err
        assert not (tmp_path / "true.json").exists()
    assert main(["true-annotations", "noisy.json", "--output=true.json"]) == 0
    true, expected = read_coco("true.json"), read_annotations(folder)
    assert [a.bbox for a in true.annotations] == [a.bbox for a in expected.annotations]


def test_in_place_only_label_files_that_change_are_touched(folder, tmp_path):
    before = contents(folder)
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    path_in_folder = folder / ("data.yaml" if folder.name == "yolo" else "Annotations")
    assert corrupt(path_in_folder, output=path_in_folder) == 2, "not without --overwrite"
    assert contents(folder) == before
    assert corrupt(path_in_folder, "--overwrite", output=path_in_folder) == 0
    after = contents(folder)
    assert after.keys() == before.keys()
    for path, stamp in stamps.items():
        name = path.relative_to(folder).as_posix()
        assert (path.stat().st_mtime_ns != stamp) == (after[name] != before[name])
    assert (tmp_path / "noisy.json").is_file()
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(folder), "--noise_level=0", "--output=copy", "--overwrite"]) == 0
    os.utime(copy / next(name for name in after if after[name] != before[name]), (1, 1))
    assert main(["corrupt-annotations", str(folder), "--noise_level=0", "--output=copy", "--overwrite"]) == 0
    assert contents(copy) == after


def test_the_boxes_of_a_json_go_back_into_the_folder(folder, tmp_path, capsys):
    assert corrupt(folder) == 0
    like = ["convert-annotations", "noisy.json", f"--like={folder}", f"--image_root={folder}"]
    assert main([*like, "--output=again"]) == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "out")
    capsys.readouterr()
    content = json.loads((tmp_path / "noisy.json").read_text())
    content["annotations"][0]["id"] = 99
    (tmp_path / "noisy.json").write_text(json.dumps(content))
    assert main([*like, "--output=other"]) == 2
    assert "has other annotation ids than" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


def test_an_output_that_ends_in_json_is_a_json_file_alone(folder, tmp_path):
    assert corrupt(folder, output="noise.json") == 0
    assert len(read_coco("noise.json").annotations) == len(read_annotations(folder).annotations)
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, "noise.json"}


@pytest.mark.parametrize("output", ["existing", "parts", "deep/er"])
def test_outputs_in_the_way_are_refused_before_any_work(folder, tmp_path, capsys, output):
    parts = "labels" if folder.name == "yolo" else "Annotations"
    (tmp_path / "existing").mkdir()
    (tmp_path / "parts").symlink_to(folder / parts)
    before = contents(tmp_path)
    more = ["--overwrite"] if output == "parts" else []
    assert corrupt(folder, *more, output=output) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    expected = {"existing": "exists already", "parts": "would be lost", "deep/er": "deep does not exist"}
    assert expected[output] in error
    assert contents(tmp_path) == before


def test_a_folder_that_cannot_be_finished_is_not_there(tmp_path):
    class FullError(OSError):
        pass

    def fail():
        raise FullError

    with pytest.raises(Exception, match="cannot be written"):
        write_folder(tmp_path / "out", {"labels/a.txt": b"1"}, {}, fail)
    assert list(tmp_path.iterdir()) == []


def test_paths_to_the_old_folder_become_paths_to_the_new_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = make_yolo(tmp_path / "yolo")
    yaml = f"# mine\r\npath: {root} # here\r\ntrain: [list.txt, '{root}/images']\r\nnames: [cat, no]\r\n"
    (root / "data.yaml").write_bytes(yaml.encode())
    (root / "list.txt").write_text(f"{root}/images/b.png\n")
    assert corrupt(root) == 0
    expected = f'# mine\r\npath: "{tmp_path}/out" # here\r\ntrain: [list.txt, "images"]\r\nnames: [cat, no]\r\n'
    assert (tmp_path / "out" / "data.yaml").read_bytes() == expected.encode()
    assert (tmp_path / "out" / "list.txt").read_text() == "./images/b.png\n"
    images = [image for image, _ in read_annotations("out").source.layout.labelled_images()]
    assert all(image.is_relative_to(tmp_path / "out") for image in images)
