import shutil

import pytest

from ssd_det.annotations.formats.reading import default_image_root, read_annotations, tracked_files
from ssd_det.annotations.image_files import resolve_images
from ssd_det.errors import InputError
from ssd_det.main import main
from tests.annotations.formats.folders import LABELS, make_yolo


def boxes(coco):
    names = {image.id: image.file_name for image in coco.images}
    return [(names[a.image_id], a.category_id, a.bbox) for a in coco.annotations]


def test_a_folder_is_read_in_the_order_of_its_files(tmp_path):
    coco = read_annotations(make_yolo(tmp_path / "yolo"))
    assert [(image.id, image.file_name) for image in coco.images] == [
        (1, "images/a.png"),
        (2, "images/b.png"),
        (3, "images/c d.png"),
    ]
    assert [a.id for a in coco.annotations] == [1, 2, 3, 4, 5]
    assert [category.name for category in coco.categories] == ["cat", "no"], "no is a name, not false"
    assert boxes(coco)[0] == ("images/a.png", 1, (15, 7.5, 10, 15))
    assert coco.entry(coco.annotations[1])["yolo_columns"] == "0.93"
    assert [coco.why_fixed(a) for a in coco.annotations] == [None, None, None, "polygon", None]
    assert coco.entry(coco.annotations[3])["segmentation"] == [pytest.approx([6.4, 4.8, 32, 4.8, 25.6, 28.8])]


def test_file_names_start_from_image_root(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    coco = read_annotations(root, root / "images")
    assert [image.file_name for image in coco.images] == ["a.png", "b.png", "c d.png"]
    assert resolve_images(coco, root / "images")[1] == []
    with pytest.raises(InputError, match=r"images/a\.png is not in image_root"):
        read_annotations(root, tmp_path / "other")
    assert default_image_root(root / "labels") == root


def test_the_folder_of_the_images_may_be_a_link(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    (root / "images").rename(tmp_path / "pictures")
    (root / "images").symlink_to(tmp_path / "pictures")
    for image_root in (root / "images", tmp_path / "pictures"):
        assert [image.file_name for image in read_annotations(root, image_root).images] == ["a.png", "b.png", "c d.png"]


@pytest.mark.parametrize(
    "yaml",
    [
        "train: images\nnames: {0: cat, 1: no}",
        "path: .\ntrain: [images]\nval: images\nnames: [cat, no]",
        "path: /nowhere/else\ntrain: ./images\nnames: [cat, no]",
        "path: {root}\ntrain: images\nnames: [cat, no]",
        "train: ../images\ntest:\nnames: [cat, no]",
        "train: list.txt\nnames: [cat, no]",
        "train: {root}/images\nnames: [cat, no]",
    ],
)
def test_images_are_found_as_people_name_them(tmp_path, yaml):
    root = make_yolo(tmp_path / "yolo")
    expected = boxes(read_annotations(root))
    (root / "data.yaml").write_text(yaml.replace("{root}", str(root)))
    (root / "list.txt").write_text(f"./images/a.png\n\nimages/b.png\n{root}/images/c d.png\n")
    coco = read_annotations(root)
    assert boxes(coco) == expected
    assert len(coco.images) == 3


def test_a_folder_of_labels_picks_a_split(tmp_path):
    root = make_yolo(tmp_path / "yolo", "path: yolo\ntrain: images/train\nval: images/val\nnames: [cat, no]")
    for split, names in (("train", "a"), ("val", "b")):
        for folder, suffix in (("images", "png"), ("labels", "txt")):
            (root / folder / split).mkdir()
            (root / folder / f"{names}.{suffix}").rename(root / folder / split / f"{names}.{suffix}")
    assert len(read_annotations(root).images) == 2
    assert {name for name, _, _ in boxes(read_annotations(root / "labels" / "val"))} == {"images/val/b.png"}
    assert tracked_files(root / "labels" / "val") == tracked_files(root)
    output = tmp_path / "out"
    assert main(["corrupt-annotations", str(root / "labels" / "val"), "--noise_level=0.3", f"--output={output}"]) == 0
    assert boxes(read_annotations(output / "labels" / "train")) == boxes(read_annotations(root / "labels" / "train"))
    assert boxes(read_annotations(output / "labels" / "val")) != boxes(read_annotations(root / "labels" / "val"))


def test_labels_may_stand_beside_their_images(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    expected = [box[1:] for box in boxes(read_annotations(root))]
    for path in (*(root / "images").iterdir(), *(root / "labels").iterdir()):
        path.rename(root / path.name)
    for name in ("images", "labels"):
        (root / name).rmdir()
    (root / "data.yaml").write_text("train: .\nnames: [cat, no]")
    (root / "README.txt").write_text("Drawn by hand.")
    assert [box[1:] for box in boxes(read_annotations(root))] == expected
    assert root / "a.txt" in tracked_files(root)


def test_a_data_yaml_elsewhere_needs_image_root(tmp_path):
    root = make_yolo(tmp_path / "data" / "yolo")
    expected = boxes(read_annotations(root))
    (tmp_path / "cfg").mkdir()
    yaml = tmp_path / "cfg" / "yolo.yaml"
    yaml.write_text("path: ../data/yolo\ntrain: images\nnames: [cat, no]")
    with pytest.raises(InputError, match=r"path is \.\./data/yolo, which is outside of .*: give .*yolo as image_root"):
        read_annotations(yaml)
    assert boxes(read_annotations(yaml, root)) == expected


@pytest.mark.parametrize(
    ("yaml", "message"),
    [
        ("train: nowhere\nnames: [cat, no]", "train is nowhere, but there is no .*nowhere: correct path and train"),
        ("train: gone\nval: images\nnames: [cat, no]", "train is gone, but there is no .*yolo/gone: correct path and"),
        (
            "train: ../a\nval: b\ntest: [images, c]\nnames: [cat, no]",
            "train is ../a and val is b and test is c, but there is no .*/yolo/a and no .*/yolo/b and no .*/yolo/c:",
        ),
        ("train: images", "has no names"),
        ("train: images\nnames: []", "has no names"),
        ("train: images\nnames: {cat: 0}", "names are not classes by number: correct cat"),
        ("train: images\nnames: [[cat]]", "names are not classes by number: correct 0"),
        ("names: [cat, no]", "names no images: add train"),
        ("train: {a: b}\nnames: [cat, no]", "give a folder or a list of folders"),
        ("train: /usr\nnames: [cat, no]", "train is /usr, which is outside of"),
        ("train: list.txt\nnames: [cat, no]", r"lists \.\./x\.png, which is not in"),
        ("train: images\nnames: [cat, no]\nkpt_shape: 17", 'kpt_shape is "17"'),
        ("- a", "is not a data.yaml of YOLO"),
        ("train: images\nnames: [cat]\ntrain: other\n", "has train twice, in lines 1 and 3: take one out"),
        ("train: images\nnames:\n  0: cat\n  1: dog\n  0: cow\n", "has 0 twice, in lines 3 and 5: take one out"),
        ("a: [", "is not yaml"),
        ("train: labels\nnames: [cat, no]", "there are no images|there is no image"),
    ],
)
def test_a_bad_data_yaml_is_named(tmp_path, yaml, message):
    root = make_yolo(tmp_path / "yolo", yaml)
    (root / "list.txt").write_text("../x.png\n")
    with pytest.raises(InputError, match=message) as error:
        read_annotations(root)
    assert "\n" not in str(error.value)


def test_labels_without_an_image_are_left_out_and_counted(tmp_path, capsys):
    root = make_yolo(tmp_path / "yolo", labels={**LABELS, "z": b"0 .5 .5 .1 .1", "y": b""})
    (root / "labels" / "classes.txt").write_text("cat\nno\n")
    coco = read_annotations(root)
    assert len(coco.annotations) == 5
    error = capsys.readouterr().err
    assert error == f"Warning: {root}/labels/y.txt: there is no image for this label file and 1 more: left out.\n"
    assert main(["corrupt-annotations", str(root), "--noise_level=0", f"--output={tmp_path / 'out'}"]) == 0
    assert (tmp_path / "out" / "labels" / "z.txt").read_bytes() == b"0 .5 .5 .1 .1", "nothing of the folder is lost"
    for name in LABELS:
        (root / "labels" / f"{name}.txt").unlink()
    with pytest.raises(InputError, match=r"labels/y\.txt: there is no image for this label file, nor for 1 more"):
        read_annotations(root)


def test_two_images_with_one_label_file_are_named(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    shutil.copy(root / "images" / "a.png", root / "images" / "a.jpg")
    with pytest.raises(InputError, match=r"a\.txt: is the label file of a\.jpg and a\.png"):
        read_annotations(root)


def test_faulty_files_are_told_and_left_out(tmp_path):
    root = make_yolo(tmp_path / "yolo", "train: list.txt\nnames: [cat, no]")
    shutil.copy(root / "images" / "a.png", root / "images" / "a.jpg")
    (root / "images" / "b.png").write_bytes(b"nothing")
    (root / "list.txt").write_text("images/a.png\nimages/a.jpg\nimages/b.png\n\nimages/gone.png\nimages/c d.png\n")
    faults = []
    coco = read_annotations(root, on_fault=faults.append)
    assert [(fault.kind, fault.where.removeprefix(f"{root}/")) for fault in faults] == [
        ("missing-file", "list.txt: line 5"),
        ("shared-labels", "labels/a.txt"),
        ("unreadable-file", "images/b.png"),
    ]
    assert all("\n" not in fault.sentence for fault in faults)
    assert [(image.id, image.file_name) for image in coco.images] == [(1, "images/a.jpg"), (2, "images/c d.png")]
    assert len(coco.annotations) == 2


def test_an_image_that_does_not_decode_is_named(tmp_path):
    root = make_yolo(tmp_path / "yolo")
    (root / "images" / "a.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"a\.png: does not decode"):
        read_annotations(root)
