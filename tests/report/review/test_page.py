"""The folder that ``ssd-det report`` writes."""

import json

import pytest
from PIL import Image

from ssd_det.annotations.digests import digest
from ssd_det.main import main
from tests.command import fails
from tests.report.review.case import CATEGORIES, NAMES, content_of, write_case


def report(refined, output, *words, image_root=None):
    root = image_root or refined.parent / "images"
    return main(["report", str(refined), "--image_root", str(root), "--output", str(output), *words])


def test_the_page_has_all_that_it_shows(tmp_path, capsys):
    refined = write_case(tmp_path, with_truth=True)
    before = refined.read_bytes()
    page = tmp_path / "page"
    assert report(refined, page) == 0
    output = capsys.readouterr()
    assert "Warning: 1 of 3 images cannot be shown" in output.out
    assert f"{page / 'index.html'}: a page to look at boxes and decide on them, 9 in 3 images." in output.out
    content = content_of(page)
    assert content["file"] == {"name": "refined.json", "sha256": digest(refined), "annotations": 9, "whole": True}
    assert content["categories"] == CATEGORIES
    assert [image["missing"] for image in content["images"]] == [None, None, "the file does not exist"]
    files = page / "review_files"
    assert {path.name for path in (files / "crops").iterdir()} == {f"{index}.jpg" for index in range(6)}
    assert {path.name for path in (files / "thumbs").iterdir()} == {"0.jpg", "1.jpg"}
    for index, entry in enumerate(content["objects"][:6]):
        with Image.open(files / "crops" / f"{index}.jpg") as crop:
            assert list(crop.size) == entry["crop"][2:]
    for name in (page / "index.html").read_text().split('"'):
        if name.startswith("review_files/"):
            assert (page / name).is_file(), name
    assert content["decisions"] == ["accept", "reject"]
    assert [(size["name"], size["below"]) for size in content["sizes"]] == [
        ("small", 32**2),
        ("medium", 96**2),
        ("large", None),
    ]
    for figure in content["figures"]:
        assert (files / "figures" / figure["light"]).read_text().startswith("<?xml")
        assert (files / "figures" / figure["light"]).read_bytes() != (files / "figures" / figure["dark"]).read_bytes()
    values = {tile["label"]: tile["value"] for tile in content["tiles"]}
    assert (values["Annotations"], values["Refined"]) == ("9", "6")
    assert values["Boxes above IoU 0.5"] == "78% → 100%"
    assert content["tables"][0]["rows"][0][:2] == ["all", "9"]
    assert refined.read_bytes() == before


def test_names_of_files_and_categories_are_nowhere_in_the_html(tmp_path):
    page = tmp_path / "page"
    report(write_case(tmp_path), page)
    assert "alert(1)" not in (page / "index.html").read_text()
    assert [image["name"] for image in content_of(page)["images"]] == NAMES


def test_true_boxes_come_from_a_reference(tmp_path):
    refined = write_case(tmp_path)
    content = json.loads(refined.read_text())
    for entry in content["annotations"]:
        entry["bbox"] = [8, 10, 20, 15]
    true = tmp_path / "true.json"
    true.write_text(json.dumps(content))
    assert report(refined, tmp_path / "page", "--reference", str(true)) == 0
    assert all(entry["after"] == 0.5 for entry in content_of(tmp_path / "page")["objects"])
    report(refined, tmp_path / "other")
    assert all(entry["after"] is None for entry in content_of(tmp_path / "other")["objects"])


def test_a_file_in_which_nothing_was_refined_has_a_page_too(tmp_path, capsys):
    refined = write_case(tmp_path, each=1)
    assert report(refined, tmp_path / "page") == 0
    assert "was refined: there is nothing to decide on" in capsys.readouterr().out
    content = content_of(tmp_path / "page")
    assert {tile["label"] for tile in content["tiles"]} == {"Annotations", "Refined"}
    assert content["figures"] == []


def test_fewer_annotations_than_there_are(tmp_path, capsys):
    refined = write_case(tmp_path)
    assert report(refined, tmp_path / "page", "--count", "3") == 0
    assert "Annotations on the page: 3 of 9" in capsys.readouterr().out
    assert [image["name"] for image in content_of(tmp_path / "page")["images"]] == ["missing.png"]


def test_an_image_of_another_size_is_said_to_be(tmp_path):
    refined = write_case(tmp_path)
    Image.new("RGB", (20, 20)).save(tmp_path / "images" / "missing.png")
    assert report(refined, tmp_path / "page") == 0
    assert "is 20x20, but the annotation file says 80x60" in content_of(tmp_path / "page")["images"][2]["missing"]


def test_a_folder_that_is_not_empty_is_refused(tmp_path, capsys):
    refined = write_case(tmp_path)
    page = tmp_path / "page"
    page.mkdir()
    (page / "notes.txt").write_text("mine")
    assert report(refined, page) == 2
    assert "is not empty: give another output, or --overwrite true" in capsys.readouterr().err
    assert [path.name for path in page.iterdir()] == ["notes.txt"]
    assert report(refined, page, "--overwrite") == 0
    assert report(refined, page, "--overwrite", "--count", "3") == 0
    assert {path.name for path in page.iterdir()} == {"notes.txt", "index.html", "review_files"}
    assert len(content_of(page)["objects"]) == 3
    assert not any((page / "review_files" / "crops").iterdir()), "pictures of the page before are gone"


def test_what_is_no_page_is_never_replaced(tmp_path, capsys):
    refined = write_case(tmp_path)
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("mine")
    assert report(refined, site, "--overwrite") == 2
    assert "does not belong to a page that was written here before" in capsys.readouterr().err
    assert (site / "index.html").read_text() == "mine"
    assert report(refined, refined) == 2
    assert "is a file: give a folder as output" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--count", "0"], "count is 0: give a number from 1 up"),
        (["--reference", "other.json"], "annotation ids of"),
        (["--reference", "none.json"], "none.json: there is no such file"),
    ],
)
def test_bad_input_leaves_nothing_behind(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    refined = write_case(tmp_path)
    content = json.loads(refined.read_text())
    (tmp_path / "other.json").write_text(json.dumps({**content, "annotations": content["annotations"][1:]}))
    assert report(refined, tmp_path / "page", *words) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "page").exists()


def test_a_folder_of_labels_is_no_run(tmp_path, capsys):
    write_case(tmp_path)
    assert main(["report", str(tmp_path / "images")]) == 2
    assert "give the folder of one, or a refined COCO json file" in capsys.readouterr().err
    assert not (tmp_path / "images" / "page").exists()


def test_a_run_folder_that_is_not_there_is_named(tmp_path, capsys):
    fails(
        capsys, main(["report", str(tmp_path / "run")]), "run: does not exist: give the folder of a run, or a refined"
    )


def test_image_root_and_output_are_asked_for(tmp_path, capsys):
    refined = write_case(tmp_path)
    assert main(["report", str(refined)]) == 2
    assert "is no run of the pipeline: give --image_root and --output as well" in capsys.readouterr().err
    assert report(refined, tmp_path / "page", image_root=tmp_path / "none") == 2
    assert "give the folder of the images as image_root" in capsys.readouterr().err
    assert not (tmp_path / "page").exists()
