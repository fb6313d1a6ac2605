import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.splitting import split, stratify
from ssd_det.main import main

SHARES = st.sampled_from([[0.8, 0.2], [0.5, 0.5], [0.95, 0.05], [0.7, 0.2, 0.1]])


def parts_of(labels, shares, seed=0):
    return stratify(np.asarray(labels, dtype=bool), shares, np.random.default_rng(seed))


@given(st.lists(st.integers(1, 12), min_size=1, max_size=10), SHARES, st.integers(0, 9))
def test_each_label_is_in_its_proportion_and_rare_ones_are_everywhere(counts, shares, seed):
    labels = np.repeat(np.eye(len(counts)), counts, axis=0)
    parts = parts_of(labels, shares, seed)
    found = np.stack([labels[parts == part].sum(axis=0) for part in range(len(shares))])
    assert (found.sum(axis=0) == counts).all()
    assert (np.abs(found - np.outer(shares, counts)) < len(shares)).all()
    assert ((found > 0).sum(axis=0) == np.minimum(counts, len(shares))).all()
    assert (found[0] > 0).all(), "a label of one image is trained on"


def test_images_of_several_labels_are_divided_in_proportion():
    random = np.random.default_rng(0)
    labels = random.random((2000, 20)) < np.geomspace(0.5, 0.005, 20)
    labels[:, 0] |= ~labels.any(axis=1)
    shares = [0.7, 0.2, 0.1]
    parts = parts_of(labels, shares)
    found = np.stack([labels[parts == part].sum(axis=0) for part in range(3)])
    assert np.abs(found - np.outer(shares, labels.sum(axis=0))).max() <= 2
    assert np.abs(np.bincount(parts) / 2000 - shares).max() < 0.02
    drawn = random.permutation(parts)
    by_chance = np.stack([labels[drawn == part].sum(axis=0) for part in range(3)])
    assert np.abs(by_chance - np.outer(shares, labels.sum(axis=0))).max() > 5, "chance alone does not do that"


def test_labels_of_two_images_are_on_both_sides_even_if_images_share_them():
    labels = [[1, 0], [1, 1], [0, 1]]
    parts = parts_of(labels, [0.9, 0.1])
    assert parts[0] != parts[1]
    assert parts[1] != parts[2]


files = st.lists(st.lists(st.integers(0, 2), max_size=3), min_size=6, max_size=20).filter(
    lambda f: sum(map(bool, f)) > 5
)


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    folder = tmp_path_factory.mktemp("split")

    def write(images):
        boxes = [(image, category) for image, categories in enumerate(images) for category in categories]
        content = {
            "info": {"kept": True},
            "images": [
                {"id": i, "file_name": f"{i}.png", "width": 40, "height": 30, "extra": i} for i in range(len(images))
            ],
            "annotations": [
                {"id": i, "image_id": image, "category_id": category, "bbox": [1, 2, 3, 4], "extra": i}
                for i, (image, category) in enumerate(boxes)
            ],
            "categories": [{"id": i, "name": f"kind {i}"} for i in range(3)],
        }
        path = folder / "all.json"
        path.write_text(json.dumps(content))
        return path

    return write


@given(files, st.integers(-3, 2**40))
def test_parts_are_a_partition_of_images_and_annotations(write, images, seed):
    path = write(images)
    contents = split(read_coco(path), {"train": 0.6, "val": 0.4}, seed)
    whole = json.loads(path.read_text())
    for key in ("images", "annotations"):
        together = [entry for content in contents.values() for entry in content[key]]
        assert sorted(together, key=lambda entry: entry["id"]) == whole[key]
    for content in contents.values():
        known = {entry["id"] for entry in content["images"]}
        assert {entry["image_id"] for entry in content["annotations"]} <= known
        assert {key: content[key] for key in ("info", "categories")} == {
            key: whole[key] for key in ("info", "categories")
        }
    assert split(read_coco(path), {"train": 0.6, "val": 0.4}, seed) == contents


def test_images_without_objects_are_divided_too(write):
    path = write([[0]] * 40 + [[]] * 20)
    contents = split(read_coco(path), {"train": 0.75, "val": 0.25}, 0)
    assert {name: len(content["images"]) for name, content in contents.items()} == {"train": 45, "val": 15}
    assert {name: len(content["annotations"]) for name, content in contents.items()} == {"train": 30, "val": 10}


def test_entries_of_one_file_stay_together(make_coco):
    images = [{"id": i, "file_name": f"{i // 2}.png", "width": 40, "height": 30} for i in range(40)]
    boxes = [{"id": i, "image_id": i, "category_id": 3, "bbox": [1, 2, 3, 4]} for i in range(40)]
    contents = split(read_coco(make_coco(images=images, annotations=boxes)), {"train": 0.5, "val": 0.5}, 0)
    names = [{entry["file_name"] for entry in content["images"]} for content in contents.values()]
    assert len(names[0]) == len(names[1]) == 10
    assert not names[0] & names[1]


def test_the_command_writes_the_parts(write, tmp_path, capsys):
    path = write([[0], [0, 1], [1], [0], [0, 2]] + [[0]] * 15)
    words = ["split-annotations", str(path), f"--output={tmp_path / 'new' / 'parts'}"]
    assert main([*words, "--val=0.2", "--test=0.1", "--seed=4"]) == 0
    said = capsys.readouterr().out
    sizes = {}
    for name in ("train", "val", "test"):
        coco = read_coco(tmp_path / "new" / "parts" / f"{name}.json")
        sizes[name] = len(coco.images)
        assert f"{name}.json: {len(coco.images)} images, {len(coco.annotations)} annotations." in said
    assert sizes == {"train": 14, "val": 4, "test": 2}
    assert "Too few images for all parts: kind 2 is not in val and test." in said
    assert main(words) == 2
    assert "train.json: exists already" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0
    assert sum(len(read_coco(tmp_path / "new" / "parts" / f"{name}.json").images) for name in ("train", "val")) == 20


@pytest.mark.parametrize("shares", [["--val=0"], ["--val=1"], ["--val=0.5", "--test=0.5"], ["--test=-0.1"]])
def test_shares_that_leave_nothing_are_refused(write, tmp_path, capsys, shares):
    assert main(["split-annotations", str(write([[0]] * 9)), f"--output={tmp_path}", *shares]) == 2
    assert "give a val above 0 and a test from 0 up, below 1 in all" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [[0], [1]],
            "all.json: has 2 images with annotations (those that stay together are one), but 3 parts need 3: ",
        ),
        ([[0], [], [], [0, 1]], "has 2 images with annotations "),
        (
            [[], []],
            "has 2 images (those that stay together are one), but 3 parts need 3: add images, or ask for fewer parts.",
        ),
    ],
)
def test_fewer_images_than_parts_are_refused_and_nothing_written(write, tmp_path, capsys, labels, message):
    assert main(["split-annotations", str(write(labels)), "--test=0.2", f"--output={tmp_path / 'parts'}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "parts").exists()


@pytest.fixture
def copies(make_coco):
    """Three copies of each of six photographs, as Roboflow writes them, and two other images."""
    names = [
        f"{'train' if copy else 'valid'}/p{photo}_jpg.rf.{photo}{copy}a.jpg" for photo in range(6) for copy in range(3)
    ]
    names += ["other.rf.jpg", "plain.jpg"]
    images = [{"id": i, "file_name": name, "width": 40, "height": 30} for i, name in enumerate(names, start=1)]
    annotations = [
        {"id": i, "image_id": i, "category_id": 1, "bbox": [1, 1, 5, 5]} for i in range(1, len(names) + 1)
    ]  # fmt: skip
    return make_coco(images=images, annotations=annotations, categories=[{"id": 1, "name": "cat"}])


@pytest.mark.parametrize("group", ["roboflow", r"(p\d)_jpg", r"p\d"])
def test_copies_of_a_photograph_stay_together(copies, tmp_path, capsys, group):
    assert main(["split-annotations", str(copies), f"--output={tmp_path / 's'}", "--val=0.3", f"--group={group}"]) == 0
    parts = [
        {i["file_name"].split("/")[-1][:2] for i in json.loads((tmp_path / "s" / f"{name}.json").read_text())["images"]}
        for name in ("train", "val")
    ]
    assert not parts[0] & parts[1]
    assert len(parts[0] | parts[1]) == 8
    assert "--group" not in capsys.readouterr().out


def test_copies_that_may_be_parted_are_mentioned(copies, tmp_path, capsys):
    assert main(["split-annotations", str(copies), f"--output={tmp_path / 's'}", "--val=0.3"]) == 0
    assert "12 images are further copies of a photograph by their names: --group roboflow" in capsys.readouterr().out


@pytest.mark.parametrize(("group", "message"), [("(", "is no regular expression"), ("xyz", "fits no file name")])
def test_a_group_that_makes_no_sense_is_refused(copies, tmp_path, capsys, group, message):
    assert main(["split-annotations", str(copies), f"--output={tmp_path / 's'}", f"--group={group}"]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "s").exists()


def test_images_without_boxes_are_divided(make_coco, tmp_path):
    images = [{"id": i, "file_name": f"{i}.png", "width": 40, "height": 30} for i in range(10)]
    path = make_coco(images=images, annotations=[], categories=[])
    assert main(["split-annotations", str(path), f"--output={tmp_path / 's'}"]) == 0
    counts = [len(json.loads((tmp_path / "s" / f"{name}.json").read_text())["images"]) for name in ("train", "val")]
    assert counts == [8, 2]
