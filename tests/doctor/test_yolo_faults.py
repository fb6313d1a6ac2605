import pytest

from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.doctor.faults import KINDS
from ssd_det.doctor.yolo_faults import find_yolo
from ssd_det.errors import InputError
from tests.annotations.formats.folders import make_yolo

YAML = "train: images\nval: images\nnames: [cat, no]\n"
BOX, SCORED = b"0 0.5 0.5 0.1 0.1\n", b"1 0.5 0.5 0.1 0.1 0.9\n"
POLYGON = b"1 0.1 0.1 0.3 0.1 0.3 0.3\n"
CLEAN = {"a": BOX, "b": BOX, "c d": b""}

# What reading a folder tells of its files.
FILE_KINDS = {
    "bad-row": BOX + b"0 0.5\n",
    "ambiguous-row": b"0 0.5 0.5 0.1 0.1 0.9 1\n",
    "unknown-class": b"7 0.5 0.5 0.1 0.1\n",
    "outside-shares": b"0 1.04 0.5 0.1 0.1\n",
    "not-shares": b"0 20 15 4 3\n",
}


def kinds(root):
    """The faults of a folder: how many of each kind, and the first example of each."""
    faults = []
    coco = read_annotations(root, on_fault=faults.append)
    found = find_yolo(coco.source)
    return {fault.kind for fault in faults}, {fault.kind: (fault.count, fault.examples[0]) for fault in found}


@pytest.mark.parametrize(
    ("yaml", "labels", "kind", "example"),
    [
        (YAML, {"a": BOX + POLYGON}, "mixed-rows", {"file_name": "labels/a.txt", "rows": "boxes and polygons"}),
        (
            f"{YAML}kpt_shape: [1, 2]",
            {"a": b"0 0.5 0.5 0.1 0.1 0.5 0.5\n" + BOX},
            "mixed-rows",
            {"file_name": "labels/a.txt", "rows": "boxes and keypoints"},
        ),
        (
            YAML,
            {"a": BOX + b"\n" + SCORED},
            "further-columns",
            {"file_name": "labels/a.txt", "line": 3, "columns": "0.9"},
        ),
        (f"{YAML}nc: 3", {}, "class-count", {"file_name": "data.yaml", "nc": "3", "names": 2}),
        (
            YAML.replace("[cat, no]", "{0: cat, 2: no}"),
            {},
            "class-numbers",
            {"file_name": "data.yaml", "first": 0, "last": 2},
        ),
        (YAML, {"z": BOX}, "orphan-labels", {"file_name": "labels/z.txt"}),
        (f"{YAML}test: gone", {}, "missing-split", {"split": "test", "entry": "gone"}),
        ("train: images\nnames: [cat, no]", {}, "no-val", {"file_name": "data.yaml"}),
    ],
)
def test_what_trainers_of_yolo_do_not_take_is_found(tmp_path, yaml, labels, kind, example):
    root = make_yolo(tmp_path / "yolo", yaml, {**CLEAN, **labels})
    assert kinds(root) == (set(), {kind: (1, example)})
    assert kind in KINDS


def test_a_folder_that_trainers_take_has_no_faults(tmp_path):
    root = make_yolo(
        tmp_path / "yolo", f"{YAML}nc: 2\nkpt_shape: [1, 2]", {"a": b"0 0.5 0.5 0.1 0.1 0.5 0.5\n", "b": b""}
    )
    assert kinds(root) == (set(), {})


def test_files_in_unusual_places_are_found(tmp_path):
    root = make_yolo(tmp_path / "yolo", YAML.replace("val: images", "val: more"), CLEAN)
    (root / "more").mkdir()
    for image, new in (("a.png", "more/x.png"), ("b.png", "Images/b.png"), ("c d.png", "images/c d.gif")):
        (root / new).parent.mkdir(exist_ok=True)
        (root / "images" / image).rename(root / new)
    (root / "Labels").mkdir()
    for label in ("a", "b"):
        (root / "labels" / f"{label}.txt").rename(root / "Labels" / f"{label}.txt")
    (root / "data.yaml").write_text(
        YAML.replace("train: images", "train: [Images, images]").replace("val: images", "val: more")
    )
    assert kinds(root)[1] == {
        "stray-labels": (1, {"file_name": "Labels"}),
        "orphan-labels": (1, {"file_name": "Labels/a.txt"}),
        "no-labels": (1, {"file_name": "more"}),
        "unusual-suffix": (1, {"file_name": "images/c d.gif"}),
    }


@pytest.mark.parametrize(("encoding", "name"), [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-32", "UTF-32")])
def test_a_label_file_in_a_wide_encoding_is_one_fault_and_tells_nothing_of_other_rows(tmp_path, encoding, name):
    wide = (SCORED.decode() * 3).encode(encoding)
    triangle = b"0 0.1 0.1 0.3 0.1 0.2 0\n"  # a box with columns where others are, and a triangle with polygons
    root = make_yolo(tmp_path / "yolo", YAML, {"a": wide, "b": triangle + POLYGON.replace(b"\n", b" 0.2 0.4\n")})
    faults = []
    coco = read_annotations(root, on_fault=faults.append)
    assert [annotation.image_id for annotation in coco.annotations] == [2, 2]
    path = root / "labels" / "a.txt"
    assert [(fault.kind, fault.where) for fault in faults] == [("wide-encoding", str(path))]
    assert faults[0].sentence == f"{path}: is {name}: save it as UTF-8."
    with pytest.raises(InputError, match=f"a.txt: is {name}: save it as UTF-8.$"):
        read_annotations(root)


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_every_faulty_row_is_told(tmp_path, kind):
    rows = FILE_KINDS[kind]
    root = make_yolo(tmp_path / "yolo", YAML, {**CLEAN, "b": rows + rows})
    faults = []
    assert len(read_annotations(root, on_fault=faults.append).annotations) >= 1
    assert [fault.kind for fault in faults] == [kind] * 2
    for fault in faults:
        assert fault.sentence.startswith(f"{fault.where}: ")
        assert kind in KINDS
