"""What ``check-annotations`` prints and writes."""

import json

import pytest
from PIL import ExifTags, Image

from ssd_det.main import main
from tests.annotation_content import clean_content
from tests.annotations.formats.folders import contents, make_voc, make_yolo


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


def test_every_faulty_row_of_a_folder_is_named(tmp_path, monkeypatch, capsys):
    labels = {"a": b"0 .5 .5 .1\n0 .5 .5 .1 .1\n5 .5 .5 .1 .1\n", "b": b"0 1.04 .5 .1 .1\n0 .5 .5 .1 .1 .9 1\n0 .5\n"}
    folder = make_yolo(tmp_path / "ds", labels=labels)
    monkeypatch.setenv("COLUMNS", "400")
    assert main(["check-annotations", str(folder)]) == 1
    captured = capsys.readouterr()
    assert captured.err == ""
    assert f"{folder}/labels/a.txt: line 1: has 4 columns: give class" in captured.out
    assert f"{folder}/labels/b.txt: line 3: has 2 columns: give class" in captured.out
    assert main(["check-annotations", str(folder), "--format=json"]) == 1
    found = {fault["kind"]: fault for fault in json.loads(capsys.readouterr().out)["faults"]}
    assert {kind: fault["count"] for kind, fault in found.items() if fault["severity"] == "error"} == {
        "bad-row": 2,
        "unknown-class": 1,
        "outside-shares": 1,
        "ambiguous-row": 1,
    }
    assert found["bad-row"]["examples"][1]["where"] == f"{folder}/labels/b.txt: line 3"
    assert main(["check-annotations", str(folder), "--yolo_rows=boxes", "--format=json"]) == 1
    assert "ambiguous-row" not in capsys.readouterr().out
    assert main(["corrupt-annotations", str(folder), "--noise_level=0.1", f"--output={tmp_path / 'out'}"]) == 2
    assert "labels/a.txt: line 1: has 4 columns" in capsys.readouterr().err, "other commands end at the first"


def test_a_folder_without_any_row_that_can_be_read_still_has_its_faults_named(tmp_path, capsys):
    make_yolo(tmp_path / "ds", labels={"a": b"0 .5 .5 .1", "b": b"odd"})
    assert main(["check-annotations", str(tmp_path / "ds"), "--format=json"]) == 1
    kinds = [fault["kind"] for fault in json.loads(capsys.readouterr().out)["faults"]]
    assert kinds == ["bad-row", "no-val"]
    assert main(["check-annotations", str(tmp_path / "ds"), f"--fix={tmp_path / 'fixed'}"]) == 1
    assert (tmp_path / "fixed" / "labels" / "b.txt").read_bytes() == b"odd"


def test_rows_somewhat_outside_are_clipped_and_duplicates_taken_out_of_a_folder(tmp_path, capsys):
    rows = [b"0 1.04 0.5 0.2 0.2\n", b"7 0.5 0.5 0.1 0.1\n", b"1 0.3 0.3 0.2 0.2 \n", b"1 0.3 0.3 0.2 0.2\n"]
    rows.append(b"0 1.004 0.5 0.0100 0.4\n")
    folder = make_yolo(tmp_path / "ds", labels={"a": b"".join(rows)})
    before = contents(folder)
    assert main(["check-annotations", str(folder), f"--fix={tmp_path / 'fixed'}"]) == 1
    printed = capsys.readouterr().out
    assert "outside-shares (1): clipped boxes to their image" in printed
    assert "exact-duplicate (1): removed all but the first" in printed
    assert "Remaining: 1 error" in printed
    assert (tmp_path / "fixed" / "labels" / "a.txt").read_bytes() == (
        b"0 0.970000 0.500000 0.060000 0.200000\n7 0.5 0.5 0.1 0.1\n1 0.3 0.3 0.2 0.2 \n0 1.004 0.5 0.0100 0.4\n"
    )
    assert contents(folder) == before


def test_what_trainers_of_yolo_refuse_is_a_warning(tmp_path, capsys):
    folder = make_yolo(tmp_path / "ds", "train: images\nval: images\nnc: 3\nnames: [cat, no]\n")
    assert main(["check-annotations", str(folder), "--format=json"]) == 1
    faults = {fault["kind"]: fault["severity"] for fault in json.loads(capsys.readouterr().out)["faults"]}
    assert faults.items() >= {"mixed-rows": "warning", "further-columns": "warning", "class-count": "warning"}.items()


def test_a_folder_is_fixed_as_a_folder_unless_the_name_ends_in_json(tmp_path, capsys):
    folder = make_yolo(tmp_path / "ds", labels={"a": b"0 0.02 0.5 0.25 0.5\n1 .5 .5 .25 .5\n"})
    before = contents(folder)
    assert main(["check-annotations", str(folder), f"--fix={tmp_path / 'fixed'}"]) == 0
    assert "beyond-image (1)" in capsys.readouterr().out
    assert (tmp_path / "fixed/labels/a.txt").read_bytes() == b"0 0.072500 0.500000 0.145000 0.500000\n1 .5 .5 .25 .5\n"
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


def test_missing_images_are_left_out_where_that_is_asked_for(write, tmp_path, capsys):
    content = clean_content()
    content["images"][1]["id"] = "b"  # ids are matched as everywhere in the doctor
    for entry in content["annotations"][3:6]:
        entry["image_id"] = "b"
    write(content)
    (tmp_path / "sub").mkdir()
    for number in (1, 3):
        Image.new("RGB", (200, 100)).save(tmp_path / "sub" / f"{number}.png")
    words = ["check-annotations", "in.json"]
    assert main([*words, f"--image_root={tmp_path}"]) == 1
    assert "missing-file" in capsys.readouterr().out
    assert main([*words, f"--image_root={tmp_path}", "--skip_missing_images", "--fix=out.json"]) == 0
    printed = capsys.readouterr()
    assert "No faults were found." in printed.out
    assert printed.err == f"Warning: in.json: 1 of 3 image files are not in {tmp_path} and are left out: sub/2.png.\n"
    fixed = json.loads((tmp_path / "out.json").read_text())
    assert fixed["images"] == [content["images"][0], content["images"][2]]
    assert fixed["annotations"] == [*content["annotations"][:3], *content["annotations"][6:]]
    assert main([*words, "--skip_missing_images"]) == 2
    assert "give --image_root" in capsys.readouterr().err
    (tmp_path / "other").mkdir()
    assert main([*words, f"--image_root={tmp_path / 'other'}", "--skip_missing_images"]) == 1
    assert "missing-file" in capsys.readouterr().out, "all missing is most likely a wrong image_root"


def test_the_files_of_missing_images_stay_in_a_folder_that_is_fixed(tmp_path, capsys):
    folder = make_voc(tmp_path / "ds")
    (folder / "JPEGImages" / "1.png").unlink()
    words = ["check-annotations", str(folder), f"--image_root={folder}", "--skip_missing_images"]
    assert main([*words, f"--fix={tmp_path / 'fixed'}"]) == 0
    assert "1 of 3 image files are not in" in capsys.readouterr().err
    assert (tmp_path / "fixed/Annotations/1.xml").read_bytes() == (folder / "Annotations/1.xml").read_bytes()


def test_missing_images_of_a_list_are_left_out_where_that_is_asked_for(tmp_path, capsys):
    folder = make_yolo(tmp_path / "ds", "train: list.txt\nval: list.txt\nnames: [cat, no]\n", {"a": b"0 .5 .5 .1 .1\n"})
    (folder / "list.txt").write_text("images/a.png\nimages/gone.png\n")
    words = ["check-annotations", str(folder), f"--image_root={folder}"]
    assert main(words) == 1
    assert "missing-file" in capsys.readouterr().out
    main([*words, "--skip_missing_images"])
    assert "missing-file" not in capsys.readouterr().out


def test_who_says_where_boxes_of_turned_pictures_are_gets_no_warning(tmp_path, capsys):
    folder = make_yolo(tmp_path / "ds", "train: images\nval: images\nnames: [cat]\n", {"a": b"0 0.25 0.5 0.5 0.2\n"})
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    for name, size in (("a", (40, 30)), ("b", (64, 48)), ("c d", (50, 20))):
        Image.new("RGB", size).save(folder / "images" / f"{name}.png", exif=exif)
    words = ["check-annotations", str(folder), f"--image_root={folder}"]
    assert main(words) == 1
    assert "turned-photo" in capsys.readouterr().out
    assert main([*words, "--exif=ignore", f"--fix={tmp_path / 'ignored.json'}"]) == 0
    assert main([*words, "--exif=apply", f"--fix={tmp_path / 'applied.json'}"]) == 0
    assert "1 boxes are turned with their 3 pictures to the stored pixels." in capsys.readouterr().err
    boxes = {
        name: json.loads((tmp_path / f"{name}.json").read_text())["annotations"][0]["bbox"]
        for name in ("ignored", "applied")
    }
    assert boxes["ignored"] == pytest.approx([0, 12, 20, 6])
    assert boxes["applied"] == pytest.approx([16, 15, 8, 15]), "the lower half of what is stored is shown on the left"
    assert main([*words, "--exif=apply", f"--fix={tmp_path / 'folder'}"]) == 2
    assert "give a name that ends in .json to --fix" in capsys.readouterr().err
    assert not (tmp_path / "folder").exists()


def test_images_of_files_that_cannot_be_read_are_not_called_forgotten(tmp_path, capsys):
    folder = make_voc(tmp_path / "ds")
    (folder / "Annotations" / "1.xml").write_text("odd")
    words = ["check-annotations", str(folder), f"--image_root={folder}", "--format=json"]
    assert main(words) == 1
    assert "unnamed-file" not in capsys.readouterr().out
    Image.new("RGB", (40, 30)).save(folder / "JPEGImages" / "7.png")
    assert main(words) == 1
    assert "unnamed-file" in capsys.readouterr().out
