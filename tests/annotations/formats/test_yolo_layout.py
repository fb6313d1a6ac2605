"""YOLO folders as tools export them, and as they are after a move to another machine."""

import shutil

import pytest
from PIL import Image

from ssd_det.annotations.formats.reading import read_annotations, tracked_files
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotations.formats.folders import contents

BOX = "0 0.5 0.5 0.25 0.5\n"


def add(folder, image, label=BOX):
    """Add an image and its label file, at paths below a folder; a label of ``None`` adds the image alone."""
    path = folder / image
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (40, 30)).save(path, None if path.suffix != ".jfif" else "JPEG")
    if label is not None:
        parts = ["labels" if part == "images" else "Labels" if part == "Images" else part for part in path.parts]
        file = path.__class__(*parts).with_suffix(".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(label)


@pytest.fixture
def roboflow(tmp_path):
    """A folder with train and valid, and a data.yaml that names a test that was not exported."""
    for name in ("train/images/a.jpg", "valid/images/b.jpg"):
        add(tmp_path / "rf", name)
    yaml = "train: ../train/images\nval: ../valid/images\ntest: ../test/images\nnc: 1\nnames: [cat]\n"
    (tmp_path / "rf" / "data.yaml").write_text(yaml)
    return tmp_path / "rf"


def names_of(path):
    return [image.file_name for image in read_annotations(path).images]


def test_a_split_that_is_not_there_is_left_out_with_a_word(roboflow, capsys):
    assert names_of(roboflow) == ["train/images/a.jpg", "valid/images/b.jpg"]
    assert f"test is ../test/images, but there is no {roboflow}/test/images: it is left out" in capsys.readouterr().err
    assert names_of(roboflow / "valid" / "labels") == ["valid/images/b.jpg"]
    assert capsys.readouterr().err == "", "it was not asked for"
    shutil.rmtree(roboflow / "train")
    assert names_of(roboflow / "valid" / "labels") == ["valid/images/b.jpg"]
    with pytest.raises(InputError, match=r"train is \.\./train/images and test is \.\./test/images, but there is no"):
        read_annotations(roboflow)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("valid", "valid/images"),
        ("val", "val/images"),
        ("val", r"valid\images"),
        ("val", r"C:\Users\me\Downloads\cells\valid\images"),
        ("val", "/content/cells-1/valid/images"),
        ("val", "data/cells/valid/images"),
        ("val", "valid.txt"),
    ],
)
def test_paths_of_other_machines_lead_to_what_is_here(roboflow, tmp_path, key, value):
    (roboflow / "valid.txt").write_text("data/valid/images/b.jpg\n")
    yaml = f"path: /content/cells-1\ntrain: {value.replace('valid', 'train')}\n{key}: {value}\nnames: [cat]\n"
    (roboflow / "train.txt").write_text("C:\\data\\train\\images\\a.jpg\n")
    (roboflow / "data.yaml").write_text(yaml)
    if value == "val/images":
        (roboflow / "data.yaml").write_text(yaml.replace("train: val/", "train: train/"))
    assert names_of(roboflow) == ["train/images/a.jpg", "valid/images/b.jpg"]
    assert main(["corrupt-annotations", str(roboflow), "--noise_level=0.3", f"--output={tmp_path / 'out'}"]) == 0
    assert names_of(tmp_path / "out") == ["train/images/a.jpg", "valid/images/b.jpg"]
    text = (tmp_path / "out" / "data.yaml").read_text()
    assert "C:" not in text
    assert "content" not in text, "a copy can be trained on at once"


def test_a_path_without_its_split_is_not_that_of_another_split(tmp_path):
    add(tmp_path / "yolo", "images/a.png")
    (tmp_path / "yolo" / "data.yaml").write_text("train: images\nval: /content/valid/images\nnames: [cat]\n")
    assert [entry.split for entry in read_annotations(tmp_path / "yolo").source.layout.missing] == ["val"]


def test_labels_are_found_whatever_the_case_of_their_folder(tmp_path):
    root = tmp_path / "yolo"
    for name in ("train/images/a.png", "more/Images/b.png", "more/Images/sub/c.png"):
        add(root, name)
    add(root, "more/Images/d.png", None)
    (root / "data.yaml").write_text("train: [train/images, more/Images]\nnames: [cat]\n")
    coco = read_annotations(root)
    assert [image.file_name for image in coco.images if image.id in coco.annotations_by_image] == [
        "more/Images/b.png",
        "more/Images/sub/c.png",
        "train/images/a.png",
    ]
    part = read_annotations(root / "more" / "Labels")
    assert len(part.images) == 3, "an image without a label file belongs to the others of its folder"
    assert len(tracked_files(root)) == 4


def test_folders_are_found_whatever_the_case_in_data_yaml(tmp_path):
    root = tmp_path / "yolo"
    add(root, "Images/Train/a.png")
    (root / "data.yaml").write_text("train: images/train\nval: images/TRAIN\nnames: [cat]\n")
    coco = read_annotations(root)
    assert [image.file_name for image in coco.images] == ["Images/Train/a.png"]
    assert len(coco.annotations) == 1


def test_a_folder_of_images_without_any_labels_is_named(tmp_path, capsys):
    root = tmp_path / "yolo"
    add(root, "images/a.png")
    add(root, "pictures/b.png", None)
    (root / "annotation").mkdir()
    (root / "annotation" / "b.txt").write_text(BOX)
    (root / "data.yaml").write_text("train: [images, pictures]\nnames: [cat]\n")
    assert len(read_annotations(root).annotations) == 1
    assert f"{root}/pictures: none of its 1 images has a label file" in capsys.readouterr().err


def test_a_yaml_of_any_name_is_the_data_yaml_if_it_alone_has_names(tmp_path):
    root = tmp_path / "yolo"
    add(root, "images/train/a.png")
    (root / "dataset.yaml").write_text("train: images\nnames:\n  0: cat\n")
    (root / "hyp.yaml").write_text("lr0: 0.01\n")
    for path in (root, root / "labels", root / "labels" / "train"):
        assert names_of(path) == ["images/train/a.png"]
    (root / "other.yml").write_text("names: [dog]\n")
    for path in (root, root / "labels"):
        with pytest.raises(InputError, match=r"has dataset\.yaml, other\.yml: give one of them"):
            read_annotations(path)
    assert names_of(root / "dataset.yaml") == ["images/train/a.png"]
    (root / "data.yaml").write_text("train: images\nnames: [cow]\n")
    assert [category.name for category in read_annotations(root).categories] == ["cow"]


def test_folders_may_be_links_and_links_back_end(tmp_path):
    root, store = tmp_path / "yolo", tmp_path / "store"
    for name in ("images/a.png", "images/b.png"):
        add(store, name)
    for kind in ("images", "labels"):
        (root / kind).mkdir(parents=True)
        for split in ("train", "val"):
            (root / kind / split).symlink_to(store / kind)
    (root / "images" / "back").symlink_to(root)
    (store / "images" / "again").symlink_to(store / "images")
    (root / "data.yaml").write_text("train: images\nnames: [cat]\n")
    expected = [f"images/{split}/{name}.png" for split in ("train", "val") for name in "ab"]
    assert names_of(root) == expected
    before = contents(store)
    assert main(["corrupt-annotations", str(root), "--noise_level=0.3", f"--output={tmp_path / 'out'}"]) == 0
    assert names_of(tmp_path / "out") == expected
    assert contents(store) == before


def test_images_of_all_suffixes_are_read(tmp_path):
    root = tmp_path / "yolo"
    for suffix in ("avif", "jfif", "gif", "jp2", "webp", "JPG"):
        add(root, f"images/{suffix}.{suffix}")
    (root / "data.yaml").write_text("train: images\nnames: [cat]\n")
    coco = read_annotations(root)
    assert len(coco.images) == len(coco.annotations) == 6
    assert {(image.width, image.height) for image in coco.images} == {(40, 30)}


def test_a_name_with_a_backslash_is_a_name_where_it_is_one(tmp_path):
    root = tmp_path / "yolo"
    add(root, "images/train\\a.png")
    (root / "data.yaml").write_text("train: list.txt\nnames: [cat]\n")
    (root / "list.txt").write_text("images/train\\a.png\n")
    assert len(read_annotations(root).annotations) == 1
    assert names_of(root) == ["images/train\\a.png"]
    words = ["convert-annotations", str(root), "--to=coco", f"--output={tmp_path / 'a.json'}"]
    assert main(words) == 0
    back = ["convert-annotations", str(tmp_path / "a.json"), "--to=yolo", f"--image_root={root}"]
    assert main([*back, f"--output={tmp_path / 'back'}"]) == 0
    assert names_of(tmp_path / "back") == ["images/train\\a.png"]
    assert len(read_annotations(tmp_path / "back").annotations) == 1
