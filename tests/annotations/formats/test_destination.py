import json
import os

import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.formats.destination import save_fixed
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.main import main
from tests.annotations.formats.folders import contents, make_voc, make_yolo
from tests.command import fails


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
    copy, beside = read_annotations("out"), read_coco("out.json")
    assert [(a.id, a.image_id, a.category_id) for a in copy.annotations] == [
        (a.id, a.image_id, a.category_id) for a in beside.annotations
    ]
    for found, expected in zip(copy.annotations, beside.annotations, strict=True):
        assert found.bbox == pytest.approx(expected.bbox, abs=1.01 if folder.name == "voc" else 1e-3)
    assert sum(a.true_bbox is not None for a in beside.annotations) == (6 if folder.name == "voc" else 4)
    assert main(["compare-annotations", "out", f"--reference={folder}"]) == 0
    assert main(["compare-annotations", "out.json", f"--reference={folder}", f"--before={folder}"]) == 0
    for name in ("out", folder.name):
        assert main(["check-annotations", name, f"--image_root={name}"]) != 2
    assert main(["draw-annotations", "out", "--image_root=out", "--output=pictures", "--count=1"]) == 0


def test_true_boxes_are_in_the_json_beside_a_folder(folder, tmp_path, capsys):
    assert corrupt(folder) == 0
    for path in ("out", "out/data.yaml") if folder.name == "yolo" else ("out", "out/Annotations"):
        assert main(["true-annotations", path, "--output=true.json"]) == 2
        assert f"{path}: label files cannot hold true boxes: give the json file" in capsys.readouterr().err
        assert not (tmp_path / "true.json").exists()
    assert main(["true-annotations", "out.json", "--output=true.json"]) == 0
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
    assert (tmp_path / f"{folder.name}_noisy.json").is_file()
    copy = tmp_path / "copy"
    assert main(["corrupt-annotations", str(folder), "--noise_level=0", "--output=copy", "--overwrite"]) == 0
    os.utime(copy / next(name for name in after if after[name] != before[name]), (1, 1))
    assert main(["corrupt-annotations", str(folder), "--noise_level=0", "--output=copy", "--overwrite"]) == 0
    assert contents(copy) == after


def test_the_boxes_of_a_json_go_back_into_the_folder(folder, tmp_path, capsys):
    assert corrupt(folder) == 0
    like = ["convert-annotations", "out.json", f"--like={folder}", f"--image_root={folder}"]
    assert main([*like, "--output=again"]) == 0
    assert contents(tmp_path / "again") == contents(tmp_path / "out")
    capsys.readouterr()
    content = json.loads((tmp_path / "out.json").read_text())
    content["annotations"][0]["id"] = 99
    (tmp_path / "out.json").write_text(json.dumps(content))
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
    images = [image for image, _ in read_annotations("out").source.found.labelled]
    assert all(image.is_relative_to(tmp_path / "out") for image in images)


def test_the_jsons_of_two_folders_do_not_replace_each_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        make_yolo(tmp_path / name)
        assert corrupt(name, output=f"{name}_noisy") == 0
    before = contents(tmp_path)
    assert corrupt("b", output="b_noisy") == 2
    assert corrupt("b", "--overwrite", output="b_noisy") == 0
    assert contents(tmp_path) == before
    (tmp_path / "c.json").write_text("mine")
    assert corrupt("a", "--overwrite", output="c") == 2, "it is not beside a folder c, so it is no output of before"
    assert "c.json: exists already, and would be lost" in capsys.readouterr().err
    assert not (tmp_path / "c").exists()


def test_a_folder_that_is_changed_in_place_keeps_the_json_of_the_first_time(folder, tmp_path, capsys):
    (tmp_path / f"{folder.name}.json").write_text("mine")
    assert corrupt(folder, "--overwrite", output=folder) == 0
    before = contents(tmp_path)
    assert corrupt(folder, "--overwrite", output=folder) == 2, "the json alone has the true boxes"
    assert f"{folder.name}_noisy.json: exists already, and would be lost" in capsys.readouterr().err
    assert contents(tmp_path) == before
    assert (tmp_path / f"{folder.name}.json").read_text() == "mine"


def test_a_fixed_folder_has_the_fixed_boxes_and_not_the_removed_ones(folder, tmp_path):
    before = contents(folder)
    coco = read_annotations(folder)
    first, second, *others = [dict(entry) for entry in coco.content["annotations"]]
    first["bbox"] = [4, 5, 6, 7]
    assert save_fixed(coco, {**coco.content, "annotations": [first, *others]}, tmp_path / "fixed") == 0
    assert contents(folder) == before
    fixed = read_annotations(tmp_path / "fixed")
    assert [image.file_name for image in fixed.images] == [image.file_name for image in coco.images]
    boxes = [a.bbox for a in coco.annotations]
    assert fixed.annotations[0].bbox == pytest.approx((4, 5, 6, 7), abs=1.01 if folder.name == "voc" else 1e-3)
    assert [a.bbox for a in fixed.annotations[1:]] == boxes[2:], second["bbox"]
    after = contents(tmp_path / "fixed")
    assert after.keys() == before.keys()
    changed = [name for name in before if after[name] != before[name]]
    assert changed == ["labels/a.txt" if folder.name == "yolo" else "Annotations/0.xml"]
    assert save_fixed(coco, coco.content, folder) == 0
    assert contents(folder) == before, "nothing was fixed"


def test_rows_slightly_outside_are_clipped_and_rows_that_cannot_be_read_stay(tmp_path):
    labels = {"a": b"0 1.03 0.5 0.2 0.2\n9 0.5 0.5 0.2 0.2\n0 0.5 0.5 0.2\n1 0.1 -0.02 0.5 0.1 1.2 0.6 0.4 0.5\n"}
    faults = []
    coco = read_annotations(make_yolo(tmp_path / "yolo", labels=labels), on_fault=faults.append)
    assert [fault.kind for fault in faults] == ["outside-shares", "unknown-class", "bad-row", "outside-shares"]
    entries = [dict(entry) for entry in coco.content["annotations"]]
    entries[0]["bbox"], entries[1]["bbox"] = [37.2, 12, 2.8, 6], [4, 0, 36, 18]
    assert save_fixed(coco, {**coco.content, "annotations": entries}, tmp_path / "fixed") == 0
    assert (tmp_path / "fixed" / "labels" / "a.txt").read_bytes().splitlines() == [
        b"0 0.965000 0.500000 0.070000 0.200000",
        b"9 0.5 0.5 0.2 0.2",
        b"0 0.5 0.5 0.2",
        b"1 0.1 0 0.5 0.1 1 0.6 0.4 0.5",
    ]


@pytest.mark.parametrize(
    "command",
    [
        "convert-annotations {} --to=coco",
        "merge-annotations {}",
        "compare-annotations {} --reference={}",
        "compare-annotations noisy.json --reference={}",
        "correct-annotations noisy.json --trusted={}",
    ],
)
def test_no_file_of_an_input_is_replaced_whatever_overwrite_says(folder, tmp_path, capsys, command):
    assert main(["convert-annotations", str(folder), "--to=coco", "--output=noisy.json"]) == 0
    before = contents(tmp_path)
    capsys.readouterr()
    inputs = ["labels/a.txt", "data.yaml"] if folder.name == "yolo" else ["Annotations/1.xml"]
    for name in inputs:
        words = command.format(folder.name, folder.name).split()
        fails(capsys, main([*words, f"--output={folder / name}", "--overwrite"]), "is an input that would be lost")
    assert contents(tmp_path) == before


def test_a_folder_of_trusted_boxes_is_no_output(folder, tmp_path, capsys):
    assert corrupt(folder, output="noisy") == 0
    before = contents(tmp_path)
    capsys.readouterr()
    for trusted in [folder, folder / "data.yaml"] if folder.name == "yolo" else [folder, folder / "Annotations"]:
        words = ["correct-annotations", "noisy", f"--trusted={trusted}", f"--output={folder.name}", "--overwrite"]
        fails(capsys, main(words), "holds an input that would be lost")
    assert contents(tmp_path) == before
