"""What ``check-annotations`` prints and writes."""

import json

import pytest

from ssd_det.annotations.formats.file_faults import FileFault
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.doctor import check
from ssd_det.main import main
from tests.annotation_content import clean_content
from tests.annotations.formats.folders import contents, make_yolo


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def write(content, name="in.json"):
        (tmp_path / name).write_text(json.dumps(content))
        return tmp_path / name

    return write


def damaged_content():
    content = clean_content()
    content["annotations"][0].update(bbox=[-5, 12, 30, 41], id=11)
    content["annotations"][3]["category_id"] = 9
    content["images"][0]["file_name"] = "[red]\ud800.png"
    return content


def test_exit_codes_tell_clean_faulty_and_unusable(write, capsys):
    write(clean_content())
    assert main(["check-annotations", "in.json"]) == 0
    assert "No faults were found." in capsys.readouterr().out
    content = clean_content()
    content["annotations"][0].update(bbox=[-5, 12, 30, 41], area=1230, segmentation=[])
    write(content)
    assert main(["check-annotations", "in.json"]) == 0
    write(damaged_content())
    assert main(["check-annotations", "in.json"]) == 1
    write([])
    capsys.readouterr()
    assert main(["check-annotations", "in.json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "is json but not COCO" in printed.err


def test_the_text_names_faults_examples_and_advice_within_80_columns(write, capsys):
    write(damaged_content())
    assert main(["check-annotations", "in.json"]) == 1
    text = capsys.readouterr().out
    assert "in.json: 3 images, 9 annotations, 2 categories." in text
    for words in (
        "unknown-category",
        "annotation 20, sub/2.png, category_id 9",
        "[red]",
        "Give each annotation its own",
    ):
        assert words in text
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("error unknown-category") < text.index("note beyond-image")


def test_json_is_strict_and_all_that_is_printed(write, capsys):
    content = damaged_content()
    content["annotations"][5]["bbox"] = [1, 2, float("nan"), float("inf")]
    write(content)
    assert main(["check-annotations", "in.json", "--format=json"]) == 1
    result = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert result["counts"] == {"images": 3, "annotations": 9, "categories": 2}
    by_kind = {fault["kind"]: fault for fault in result["faults"]}
    assert by_kind["unknown-category"]["severity"] == "error"
    assert by_kind["reused-annotation-id"]["fixable"]
    assert by_kind["bad-box"]["examples"][0]["bbox"] == "[1, 2, NaN, Infinity]"
    assert result["errors"] == sum(f["count"] for f in result["faults"] if f["severity"] == "error")
    assert result["fix"] is None


def test_fix_writes_a_new_file_and_says_what_was_fixed(write, capsys, tmp_path):
    path = write(damaged_content())
    before = path.read_bytes()
    assert main(["check-annotations", "in.json", "--fix=out.json"]) == 1
    text = capsys.readouterr().out
    assert "reused-annotation-id (1): gave later annotations new ids." in text
    assert "beyond-image (1): clipped boxes to their image." in text
    assert "(unknown-category" in text
    assert path.read_bytes() == before
    assert main(["check-annotations", "out.json", "--format=json", "--fix=again.json"]) == 1
    assert json.loads(capsys.readouterr().out)["fix"]["done"] == {}
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "out.json").read_bytes()


def test_the_exit_code_is_0_if_everything_could_be_fixed(write, capsys):
    content = clean_content()
    content["annotations"][0]["id"] = 11
    path = write(content)
    assert main(["check-annotations", "in.json", "--fix=in.json"]) == 2
    assert "is the input as well" in capsys.readouterr().err
    assert main(["check-annotations", "in.json", "--fix=in.json", "--overwrite"]) == 0
    assert "Remaining: 0 errors, 0 warnings, 0 notes." in capsys.readouterr().out
    assert json.loads(path.read_text())["annotations"][1]["id"] == 33


def reads_with_faults(*faults):
    """A reader of folders that finds faults in the rows, and leaves these out."""

    def read(path, image_root, on_fault):
        coco = read_annotations(path, image_root)
        for fault in faults:
            on_fault(fault)
        return coco

    return read


ROWS = [
    FileFault("bad-box", f"labels/{n}.txt, line 3", f"labels/{n}.txt: line 3: 7 is no share: correct it.") for n in "ab"
]


def test_every_fault_of_the_files_of_a_folder_is_named(tmp_path, monkeypatch, capsys):
    make_yolo(tmp_path / "ds")
    monkeypatch.setattr(check, "read_annotations", reads_with_faults(*ROWS))
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["check-annotations", str(tmp_path / "ds")]) == 1
    text = capsys.readouterr().out
    assert "error bad-box" in text
    for fault in ROWS:
        assert fault.sentence in text
    assert main(["check-annotations", str(tmp_path / "ds"), "--format=json"]) == 1
    (found,) = [fault for fault in json.loads(capsys.readouterr().out)["faults"] if fault["kind"] == "bad-box"]
    assert found["count"] == 2
    assert found["examples"] == [{"where": fault.where, "sentence": fault.sentence} for fault in ROWS]


def test_a_folder_that_cannot_be_read_to_its_end_still_has_its_faults_named(tmp_path, monkeypatch, capsys):
    make_yolo(tmp_path / "ds", labels={"a": b"0 .5 .5 .1 .1", "b": b"odd"})

    def read(path, image_root, on_fault):
        on_fault(ROWS[0])
        return read_annotations(path, image_root)

    monkeypatch.setattr(check, "read_annotations", read)
    assert main(["check-annotations", str(tmp_path / "ds"), "--format=json"]) == 1
    kinds = [fault["kind"] for fault in json.loads(capsys.readouterr().out)["faults"]]
    assert kinds == ["unusable-folder", "bad-box"]
    assert main(["check-annotations", str(tmp_path / "ds"), f"--fix={tmp_path / 'fixed'}"]) == 2
    assert not (tmp_path / "fixed").exists()


def test_a_folder_is_fixed_as_a_folder_unless_the_name_ends_in_json(tmp_path, capsys):
    folder = make_yolo(tmp_path / "ds", labels={"a": b"0 0.02 0.5 0.25 0.5 0.9\n1 .5 .5 .25 .5\n"})
    before = contents(folder)
    assert main(["check-annotations", str(folder), f"--fix={tmp_path / 'fixed'}"]) == 0
    assert "beyond-image (1)" in capsys.readouterr().out
    assert (
        tmp_path / "fixed/labels/a.txt"
    ).read_bytes() == b"0 0.072500 0.500000 0.145000 0.500000 0.9\n1 .5 .5 .25 .5\n"
    assert (tmp_path / "fixed/data.yaml").read_bytes() == (folder / "data.yaml").read_bytes()
    assert (tmp_path / "fixed/images/a.png").is_file()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".json"] == []
    assert main(["check-annotations", str(folder), f"--fix={tmp_path / 'fixed.json'}"]) == 0
    assert len(json.loads((tmp_path / "fixed.json").read_text())["annotations"]) == 2
    assert main(["check-annotations", str(folder), f"--fix={tmp_path / 'fixed'}"]) == 2
    assert "exists already" in capsys.readouterr().err
    assert contents(folder) == before
    assert main(["check-annotations", str(folder), f"--fix={folder}", "--overwrite"]) == 0
    assert contents(folder)["labels/a.txt"] == (tmp_path / "fixed/labels/a.txt").read_bytes()
