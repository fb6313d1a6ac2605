import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ssd_det.annotations.coco import parse_coco, read_coco
from ssd_det.annotations.formats.conversion import convert
from ssd_det.annotations.formats.folder_writing import write_folder
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.main import main
from tests.annotations.formats.folders import contents, make_voc, make_yolo

NAMES = ["a.png", "deep/a.png", "deep/b c.png", "ü/a.r.png", "a.b.png"]
WIDTH, HEIGHT = 61, 47

coordinates = st.floats(0.01, 0.99)
texts = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=5)


@st.composite
def cocos(draw):
    """COCO content whose boxes are inside their images, categories all used, ids anything."""
    names = draw(st.lists(texts, min_size=1, max_size=4, unique=True))
    keys = draw(st.lists(st.integers(0, 99), min_size=len(names), max_size=len(names), unique=True))
    images = draw(st.permutations(range(len(NAMES))))
    boxes = []
    for category in [*keys, *draw(st.lists(st.sampled_from(keys), max_size=6))]:
        x, y, w, h = (draw(coordinates) for _ in range(4))
        box = [x * WIDTH, y * HEIGHT, w * (1 - x) * WIDTH, h * (1 - y) * HEIGHT]
        digits = draw(st.sampled_from([2, 15]))
        boxes.append((draw(st.sampled_from(images)), category, [max(round(v, digits), 0.01) for v in box]))
    return {
        "images": [{"id": i, "file_name": NAMES[i], "width": WIDTH, "height": HEIGHT} for i in images],
        "annotations": [
            {"id": 7 * n, "image_id": i, "category_id": c, "bbox": box, "area": box[2] * box[3]}
            for n, (i, c, box) in enumerate(boxes)
        ],
        "categories": [{"id": k, "name": name} for k, name in zip(keys, names, strict=True)],
    }


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    for name in NAMES:
        (root / name).parent.mkdir(exist_ok=True)
        Image.new("L", (WIDTH, HEIGHT)).save(root / name)
    return root


def as_lists(coco):
    """What a format must keep: by image, in order, category name and box."""
    names = {c.id: c.name for c in coco.categories}
    return {
        image.file_name.removeprefix("images/").removeprefix("JPEGImages/"): [
            (names[a.category_id], a.bbox) for a in coco.annotations_by_image.get(image.id, [])
        ]
        for image in coco.images
    }


@pytest.mark.parametrize(("target", "tolerance"), [("yolo", 2e-8), ("voc", 1e-10)])
@given(content=cocos())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_there_and_back(content, images, tmp_path_factory, target, tolerance):
    coco = parse_coco("noisy.json", content)
    converted = convert(coco, target, images)
    folder = tmp_path_factory.mktemp("there") / "folder"
    write_folder(folder, converted.files, converted.links)
    back = read_annotations(folder)
    found, expected = as_lists(back), as_lists(coco)
    assert found.keys() == expected.keys()
    for name, entries in expected.items():
        assert [entry[0] for entry in found[name]] == [entry[0] for entry in entries]
        for (_, box), (_, true) in zip(found[name], entries, strict=True):
            assert box == pytest.approx(true, abs=tolerance * WIDTH)
    assert {a.id for a in back.annotations} == set(range(1, len(content["annotations"]) + 1))
    again = convert(back, target, folder)
    assert not [kind for kind in again.dropped if kind.startswith("ids of")], (
        "the ids of a folder are those of its order"
    )


def test_what_a_format_cannot_hold_is_counted_once(make_coco, make_image, tmp_path, capsys):
    make_image("images/a.png")
    box = {"image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}
    path = make_coco(
        info={"year": 2026},
        annotations=[
            {**box, "id": 5, "segmentation": [[4, 5, 14, 5, 14, 17]], "area": 60, "iscrowd": 0},
            {**box, "id": 6, "iscrowd": 1},
            {**box, "id": 7, "bbox": [4, 5, 0, 12]},
            {**box, "id": 8, "bbox": [50, 5, 9, 12]},
            {**box, "id": 9, "bbox": [-25, 5, 100, 12], "difficult": 1, "yolo_columns": "1 2"},
        ],
    )
    words = ["convert-annotations", str(path), f"--image_root={tmp_path / 'images'}"]
    assert main([*words, "--to=yolo", f"--output={tmp_path / 'yolo'}"]) == 0
    printed = capsys.readouterr().out
    assert "2 annotations in 1 images" in printed
    for part in (
        "1 crowd boxes, left out",
        "1 boxes without area, left out",
        "1 boxes outside of their image, left out",
        "1 boxes clipped to their image",
        "1 segmentation",
        "1 areas of their own",
        "1 difficult",
        "1 yolo_columns",
        "2 ids of annotations",
        "1 ids of categories",
        "1 info",
    ):
        assert printed.count(part) == 1, part
    assert (tmp_path / "yolo" / "labels" / "a.txt").read_text().count("\n") == 2
    assert main([*words, "--to=voc", f"--output={tmp_path / 'voc'}"]) == 0
    assert "crowd boxes, left out" in capsys.readouterr().out
    assert [a.difficult for a in read_annotations(tmp_path / "voc").annotations] == [False, False, True]


def test_a_folder_keeps_its_own_folders_through_the_others(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    (root / "images" / "train").mkdir()
    (root / "labels" / "train").mkdir()
    for path in (*root.glob("images/*.png"), *root.glob("labels/*.txt")):
        path.rename(path.parent / "train" / path.name)
    for folder, other, target in (("yolo", "voc", "voc"), ("voc", "again", "yolo")):
        words = [str(tmp_path / folder), f"--to={target}", f"--image_root={tmp_path / folder}"]
        assert main(["convert-annotations", *words, f"--output={tmp_path / other}"]) == 0
    assert (tmp_path / "voc" / "Annotations" / "train" / "a.xml").is_file()
    assert "<xmin>16</xmin>" in (tmp_path / "voc" / "Annotations" / "train" / "a.xml").read_text()
    assert {name for name in contents(tmp_path / "again") if name != "data.yaml"} == {
        name for name in contents(root) if name != "data.yaml"
    }


def test_folders_become_coco_and_say_what_is_lost(tmp_path, capsys):
    root = make_voc(tmp_path / "voc")
    words = ["--to=coco", f"--image_root={root}", f"--output={tmp_path / 'voc.json'}"]
    assert main(["convert-annotations", str(root), *words]) == 0
    assert "Dropped, as COCO cannot hold it: 6 comments, 3 elements folder, 3 elements part." in capsys.readouterr().out
    assert read_coco(tmp_path / "voc.json").annotations == read_annotations(root).annotations
    root = make_yolo(tmp_path / "yolo")
    words = ["--to=coco", f"--image_root={root / 'images'}", f"--output={tmp_path / 'yolo.json'}"]
    assert main(["convert-annotations", str(root), *words]) == 0
    content = json.loads((tmp_path / "yolo.json").read_text())
    assert content["annotations"][1]["yolo_columns"] == "0.93"
    assert main(["check-annotations", str(tmp_path / "yolo.json"), f"--image_root={root / 'images'}"]) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to=yolo", "--output=images"], "exists already"),
        (["--to=coco", "--output=noisy.json"], "would be lost"),
        (["--to=yolo", "--like=noisy.json", "--output=out"], "give either --to"),
        (["--output=out"], "give either --to"),
        (["--like=noisy.json", "--output=out"], "is a COCO json file: give a YOLO folder"),
        (["--to=yolo", "--image_root=none", "--output=out"], "none: there is no such folder"),
    ],
)
def test_bad_requests_write_nothing(make_coco, make_image, tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    make_image("images/a.png")
    make_coco()
    before = contents(tmp_path)
    assert main(["convert-annotations", "noisy.json", "--image_root=images", *words]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert contents(tmp_path) == before


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_images_that_would_share_a_file_are_named(make_coco, make_image, tmp_path, capsys, target):
    images = [{"id": n, "file_name": name, "width": 40, "height": 30} for n, name in ((1, "a.png"), (2, "a.jpg"))]
    for image in images:
        make_image(image["file_name"])
    words = [str(make_coco(images=images)), f"--to={target}", f"--image_root={tmp_path}"]
    assert main(["convert-annotations", *words, f"--output={tmp_path / 'out'}"]) == 2
    assert "rename one" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_image_that_yolo_would_not_see_is_named(make_coco, make_image, tmp_path, capsys):
    make_image("a.png").rename(tmp_path / "a.ppm")
    path = make_coco(images=[{"id": 1, "file_name": "a.ppm", "width": 40, "height": 30}])
    words = [str(path), "--to=yolo", f"--image_root={tmp_path}", f"--output={tmp_path / 'out'}"]
    assert main(["convert-annotations", *words]) == 2
    assert "a.ppm has a suffix that YOLO does not know" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def entry_for_each_box(**sizes):
    """Content with an image entry for each box, two of one file and one of another."""
    files = {1: "a.png", 4: "b.png", 6: "a.png"}
    return {
        "images": [{"id": i, "file_name": name, "width": 40, "height": 30, **sizes} for i, name in files.items()],
        "annotations": [
            {"id": n, "image_id": i, "category_id": 3, "bbox": [n, 5, 10, 12]} for n, i in enumerate([6, 1, 4, 6, 1])
        ],
    }


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_the_boxes_of_all_entries_of_a_file_are_in_its_one_label_file(make_coco, make_image, tmp_path, capsys, target):
    for name in ("a.png", "b.png"):
        make_image(f"images/{name}")
    path, out = make_coco(**entry_for_each_box()), tmp_path / "out"
    words = ["convert-annotations", str(path), f"--to={target}", f"--image_root={tmp_path / 'images'}"]
    assert main([*words, f"--output={out}"]) == 0
    printed = capsys.readouterr().out
    assert f"{out}: 5 annotations in 2 images." in printed
    assert "1 further entries of the same image file" in printed
    coco = read_annotations(out)
    boxes = {image.file_name[-5:]: [a.bbox[0] for a in coco.annotations_by_image[image.id]] for image in coco.images}
    assert boxes == {"a.png": pytest.approx([0, 1, 3, 4], abs=1e-6), "b.png": pytest.approx([2], abs=1e-6)}


@pytest.mark.parametrize("target", ["yolo", "voc"])
def test_entries_of_a_file_that_differ_in_size_are_refused(make_coco, make_image, tmp_path, capsys, target):
    make_image("b.png")
    (tmp_path / "a.png").write_text("not a picture, which would tell its size")
    content = entry_for_each_box()
    content["images"][2]["width"] = 80
    words = ["convert-annotations", str(make_coco(**content)), f"--to={target}", f"--image_root={tmp_path}"]
    assert main([*words, f"--output={tmp_path / 'out'}"]) == 2
    assert "images 1 and 6 are both a.png, with the sizes 40x30 and 80x30" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_two_files_of_a_folder_for_one_picture_are_refused(tmp_path, capsys):
    root = make_voc(tmp_path / "voc")
    for file in ("0.xml", "1.xml"):
        content = (root / "Annotations" / "2.xml").read_bytes()
        (root / "Annotations" / file).write_bytes(content)
    for image in ("0.png", "1.png"):
        (root / "JPEGImages" / image).unlink()
    assert main(["convert-annotations", str(root), "--to=yolo", f"--output={tmp_path / 'out'}"]) == 2
    assert "are both JPEGImages/2.png: name the picture of each" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_names_that_become_one_are_counted(make_coco, make_image, tmp_path, capsys):
    make_image("a.png")
    content = {
        "categories": [{"id": n, "name": name} for n, name in enumerate(["Car", "car ", "car", " cow"], start=1)],
        "annotations": [{"id": n, "image_id": 1, "category_id": n, "bbox": [n, 5, 9, 9]} for n in range(1, 5)],
    }
    words = ["convert-annotations", str(make_coco(**content)), f"--image_root={tmp_path}"]
    assert main([*words, "--to=voc", f"--output={tmp_path / 'voc'}"]) == 0
    printed = capsys.readouterr().out
    assert "1 categories that others are called like, 2 blanks around names of categories" in printed
    assert main([*words, "--to=yolo", f"--output={tmp_path / 'yolo'}"]) == 0
    assert "blanks" not in capsys.readouterr().out
    assert [c.name for c in read_annotations(tmp_path / "yolo").categories] == ["Car", "car ", "car", " cow"]


def test_a_folder_knows_where_its_images_are(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    assert main(["convert-annotations", str(root / "data.yaml"), "--to=voc", f"--output={tmp_path / 'voc'}"]) == 0
    assert main(["convert-annotations", str(tmp_path / "voc"), "--to=coco", f"--output={tmp_path / 'a.json'}"]) == 0
    assert (tmp_path / "voc" / "JPEGImages" / "a.png").is_file()
    assert read_coco(tmp_path / "a.json").images == read_annotations(tmp_path / "voc").images


@pytest.mark.parametrize("target", ["coco", "yolo", "voc"])
def test_images_without_boxes_are_converted(make_coco, make_image, tmp_path, target):
    make_image("a.png")
    images = [{"id": 1, "file_name": "a.png", "width": 40, "height": 30}]
    path = make_coco(images=images, annotations=[], categories=[{"id": 1, "name": "cat"}])
    output = tmp_path / ("new.json" if target == "coco" else "new")
    words = [str(path), f"--image_root={tmp_path}", f"--to={target}", f"--output={output}"]
    assert main(["convert-annotations", *words]) == 0
    assert [image.width for image in read_annotations(output, may_be_empty=True).images] == [40]
    assert main(["corrupt-annotations", str(output), f"--output={tmp_path / 'noisy'}", "--noise_level=0.1"]) == 2


@pytest.mark.parametrize("turned", [{"attributes": {"rotation": 35.7}}, {"rotation": 35.7}])
def test_rotations_that_a_format_cannot_hold_are_counted(make_coco, make_image, tmp_path, capsys, turned):
    make_image("images/a.png")
    straight = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12], "attributes": {"rotation": 0}}
    path = make_coco(annotations=[straight, {**straight, "id": 2, "bbox": [9, 5, 10, 12], **turned}])
    words = [str(path), "--to=yolo", f"--image_root={tmp_path / 'images'}", f"--output={tmp_path / 'y'}"]
    assert main(["convert-annotations", *words]) == 0
    printed = capsys.readouterr().out
    assert "1 rotations of boxes" in printed
    assert "1 rotation," not in printed
