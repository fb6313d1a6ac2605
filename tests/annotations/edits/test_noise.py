import json

import numpy as np
import pytest

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.noise import corrupt, perturb, with_true_boxes
from ssd_det.annotations.edits.noise_kinds import KINDS
from ssd_det.errors import InputError
from ssd_det.ops.boxes import corners


@pytest.mark.parametrize("level", ["r01", "r04", "r09"])
@pytest.mark.parity_file("noise")
def test_parity_of_noise(parity, level):
    arrays = {key: value.numpy() for key, value in parity.items()}
    sizes = arrays["img_hw"][arrays["box_image"]].astype(float)
    noisy = perturb(arrays["boxes"], arrays[f"{level}_draws"], sizes)
    np.testing.assert_allclose(noisy, arrays[f"{level}_noisy"], rtol=0, atol=5e-3)
    kept = (noisy == arrays["boxes"]).all(axis=1)
    assert kept[arrays[f"{level}_is_fallback"]].all()


def test_a_part_of_a_file_gets_the_same_noise(demo, tmp_path):
    whole = json.loads((demo / "noisy.json").read_text())
    part = json.loads((demo / "train.json").read_text())
    part["annotations"] = part["annotations"][3:7]
    (tmp_path / "part.json").write_text(json.dumps(part))
    content, count = corrupt(read_coco(tmp_path / "part.json"), 0.4, seed=45)
    assert count == 4
    assert content["annotations"] == whole["annotations"][3:7]


def test_true_boxes_are_kept_the_first_time(demo, tmp_path):
    true = json.loads((demo / "train.json").read_text())["annotations"]
    content, _ = corrupt(read_coco(demo / "noisy.json"), 0.3, seed=1)
    assert [entry["true_bbox"] for entry in content["annotations"]] == [entry["bbox"] for entry in true]
    assert all(entry["bbox"] != old["bbox"] for entry, old in zip(content["annotations"], true, strict=True))
    areas = [entry["area"] - entry["bbox"][2] * entry["bbox"][3] for entry in content["annotations"]]
    np.testing.assert_allclose(areas, 0, atol=1e-9)


def test_level_zero_changes_no_box(demo):
    coco = read_coco(demo / "train.json")
    content, _ = corrupt(coco, 0.0, seed=1)
    for entry, old in zip(content["annotations"], coco.content["annotations"], strict=True):
        assert entry == {**old, "true_bbox": old["bbox"]}


def test_crowd_and_empty_boxes_get_no_noise(make_coco):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12], "iscrowd": 1}
    entries = [entry, {**entry, "id": 6, "iscrowd": 0, "bbox": [4, 5, 0, 3]}]
    content, count = corrupt(read_coco(make_coco(annotations=entries)), 0.4, seed=0)
    assert count == 0
    assert content["annotations"] == entries


@pytest.mark.parametrize("level", [-0.1, 1, 1.5, float("nan")])
def test_levels_out_of_range_are_refused(make_coco, level):
    with pytest.raises(InputError, match=r"noise_level is .*: give a number from 0 up to"):
        corrupt(read_coco(make_coco()), level, seed=0)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("detector", "scale")])
def test_every_kind_of_noise_is_the_same_for_a_seed_and_leaves_crowds(demo, tmp_path, kind):
    true = json.loads((demo / "train.json").read_text())
    true["annotations"][2]["iscrowd"] = 1
    (tmp_path / "true.json").write_text(json.dumps(true))
    coco = read_coco(tmp_path / "true.json")
    content, count = corrupt(coco, 0.4, seed=1, kind=kind)
    assert corrupt(coco, 0.4, seed=1, kind=kind)[0] == content
    assert (corrupt(coco, 0.4, seed=2, kind=kind)[0] == content) == (kind == "grid")
    assert count == len(true["annotations"]) - 1
    assert content["annotations"][2] == true["annotations"][2]
    changed = [new["bbox"] != old["bbox"] for new, old in zip(content["annotations"], true["annotations"], strict=True)]
    assert sum(changed) > 0.9 * count
    assert corrupt(coco, 0.0, seed=1, kind=kind)[0]["annotations"][0]["bbox"] == true["annotations"][0]["bbox"]


@pytest.mark.parametrize("factor", [0.7, 1.4])
def test_scaled_boxes_keep_their_centres_inside_their_image(make_coco, factor):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [8, 9, 10, 10]}
    path = make_coco(annotations=[entry, {**entry, "id": 6, "bbox": [0, 9, 10, 10]}])
    content, count = corrupt(read_coco(path), None, 0, "scale", factor=factor)
    first, second = (corners([entry["bbox"]])[0].tolist() for entry in content["annotations"])
    half = 5 * factor
    assert count == 2
    assert first == pytest.approx([13 - half, 14 - half, 13 + half, 14 + half])
    assert second == pytest.approx([max(5 - half, 0), 14 - half, 5 + half, 14 + half])


@pytest.mark.parametrize(
    ("level", "kind", "factor", "message"),
    [
        (0.4, "scale", 0.7, "give a factor for kind scale"),
        (None, "scale", None, "give a factor for kind scale"),
        (0.4, "loose", 0.7, "a noise_level for every other kind"),
        (None, "uniform", None, "a noise_level for every other kind"),
        (None, "scale", 0.0, "factor is 0.0: give a number above 0 and up to 10"),
        (None, "scale", float("nan"), "factor is nan: give a number"),
        (None, "scale", 11.0, "factor is 11.0: give a number"),
    ],
)
def test_a_factor_goes_with_its_kind_only(make_coco, level, kind, factor, message):
    with pytest.raises(InputError, match=message):
        corrupt(read_coco(make_coco()), level, 0, kind, factor=factor)


def test_boxes_of_a_detector_take_the_place_of_those_they_overlap(make_coco, tmp_path, capsys):
    entry = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}
    path = make_coco(annotations=[entry, {**entry, "id": 6, "bbox": [22, 5, 10, 12]}])
    found = [
        {"image_id": 1, "category_id": 3, "bbox": [5, 6, 10, 12], "score": 0.1},
        {"image_id": 1, "category_id": 3, "bbox": [8, 9, 10, 12], "score": 0.9},
        {"image_id": 1, "category_id": 4, "bbox": [4, 5, 10, 12], "score": 0.9},
        {"image_id": 2, "category_id": 3, "bbox": [22, 5, 10, 12], "score": 0.9},
    ]
    (tmp_path / "found.json").write_text(json.dumps(found))
    content, count = corrupt(read_coco(path), 0.2, 0, "detector", str(tmp_path / "found.json"))
    assert "found.json: has no detection for 1 of 2 boxes, which get uniform noise" in capsys.readouterr().err
    first, second = content["annotations"]
    assert count == 2
    assert first["bbox"] == [5, 6, 10, 12]
    assert second["bbox"] == corrupt(read_coco(path), 0.2, 0)[0]["annotations"][1]["bbox"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "is not a list of detections"),
        ([3], "is not a list of detections"),
        ([{"image_id": 1, "category_id": 3}], "detection 0: bbox is missing"),
        ([{"image_id": "x", "category_id": 3, "bbox": [1, 1, 2, 2]}], 'detection 0: image_id is "x"'),
        ([], "has no detection of an image_id and category_id that the annotations have"),
        ([{"image_id": 2, "category_id": 3, "bbox": [4, 5, 10, 12]}], "has no detection of an image_id and category"),
        ([{"image_id": 1, "category_id": 3, "bbox": [30, 5, 9, 9]}], "has no detection that overlaps a box of its cla"),
    ],
)
def test_files_that_are_not_results_are_refused(make_coco, tmp_path, content, message):
    (tmp_path / "found.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=f"found.json: {message}"):
        corrupt(read_coco(make_coco()), 0.2, 0, "detector", str(tmp_path / "found.json"))


def test_a_file_without_boxes_that_may_move_needs_no_detections(make_coco, tmp_path):
    crowd = {"id": 5, "image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12], "iscrowd": 1}
    (tmp_path / "found.json").write_text("[]")
    path = make_coco(annotations=[crowd])
    assert corrupt(read_coco(path), 0.2, 0, "detector", str(tmp_path / "found.json"))[1] == 0


@pytest.mark.parametrize(("kind", "detections"), [("detector", None), ("loose", "found.json")])
def test_detections_go_with_their_kind_only(make_coco, kind, detections):
    with pytest.raises(InputError, match="give the results of a detector for kind detector only"):
        corrupt(read_coco(make_coco()), 0.2, 0, kind, detections)


def test_true_boxes_come_back_as_they_were(make_coco, tmp_path):
    boxes = [[4.5, 5, 10, 12], [1, 2, 20, 20], [0, 0, 0, 0]]
    annotations = [
        {"id": i, "image_id": 1, "category_id": 3, "bbox": box, "area": box[2] * box[3], "note": "kept"}
        for i, box in enumerate(boxes)
    ]
    clean = read_coco(make_coco(annotations=annotations))
    noisy, _ = corrupt(clean, 0.4, seed=1)
    (tmp_path / "with_noise.json").write_text(json.dumps(noisy))
    content, count = with_true_boxes(read_coco(tmp_path / "with_noise.json"))
    assert content == clean.content
    assert count == 2


def test_a_file_without_true_boxes_is_refused(make_coco):
    with pytest.raises(InputError, match="no annotation has a true_bbox"):
        with_true_boxes(read_coco(make_coco()))
