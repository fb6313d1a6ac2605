"""What wandb is handed: images in which each group of boxes stands on its own, and the table of what moved most."""

import json

import numpy as np
import pytest
import wandb

from ssd_det.annotations.coco import read_coco
from ssd_det.report.measured_boxes import carried_true_boxes, measure_file
from ssd_det.report.moved_table import COLUMNS, PICTURE_SIDE, ROWS, moved_table
from ssd_det.report.panels import LONGEST_SIDE, panel
from ssd_det.report.pictures import ORIGINAL, REFINED

NAMES = {3: "cat"}


@pytest.fixture
def refined(make_coco, make_image):
    """A refined file of one image: one box refined and its truth known, one refined, one left as it was."""

    def make(width=40, height=30, box=(10, 5, 10, 10), true=(10, 5, 10, 20), original=(0, 5, 10, 10), repeat=1):
        path = make_image("a.png", width, height)
        entry = {"image_id": 1, "category_id": 3, "bbox": list(box)}
        annotations = [
            {**entry, "id": 5, "true_bbox": list(true), "original_bbox": list(original), "refine_score": 0.9},
            *({**entry, "id": 6 + i, "original_bbox": [9, 5, 10, 10], "refine_score": 0.7} for i in range(repeat)),
            {**entry, "id": 4},
        ]
        images = [{"id": 1, "file_name": "a.png", "width": width, "height": height}]
        return read_coco(make_coco(images=images, annotations=annotations)), {1: path}

    return make


def table_of(coco, paths):
    return moved_table(coco, measure_file(coco, carried_true_boxes(coco.annotations)), paths)


def shown(coco, paths):
    """The groups of boxes of a panel, as wandb keeps them, and its picture."""
    scores = {5: 0.9}
    picture = panel(coco.images[0], paths[1], coco.annotations, NAMES, scores)
    groups = {key: boxes._val for key, boxes in picture._boxes.items()}
    return groups, picture.image


def test_groups_hold_noisy_refined_and_true_boxes_with_names_and_scores(refined):
    groups, _ = shown(*refined())
    assert list(groups) == ["noisy", "refined", "true"]
    assert [len(boxes) for boxes in groups.values()] == [3, 3, 1]
    assert groups["refined"][0] == {
        "position": {"minX": 10, "minY": 5, "maxX": 20, "maxY": 15},
        "domain": "pixel",
        "class_id": 3,
        "box_caption": "cat 0.90",
        "scores": {"refine_score": 0.9, "iou_with_true": 0.5},
    }
    assert groups["noisy"][0]["position"] == {"minX": 0, "minY": 5, "maxX": 10, "maxY": 15}
    assert groups["noisy"][0]["scores"] == {"iou_with_true": 0.0}
    assert groups["true"][0]["position"]["maxY"] == 25
    assert "scores" not in groups["refined"][2]


def test_without_true_boxes_there_is_no_group_of_them(refined):
    coco, paths = refined()
    picture = panel(coco.images[0], paths[1], coco.annotations[1:], NAMES, {})
    assert list(picture._boxes) == ["noisy", "refined"]


def test_large_images_are_made_smaller_with_their_boxes(refined):
    groups, picture = shown(*refined(width=2 * LONGEST_SIDE, height=300))
    assert picture.size == (LONGEST_SIDE, 150)
    assert groups["refined"][0]["position"] == {"minX": 5, "minY": 2.5, "maxX": 10, "maxY": 7.5}


def test_the_table_has_the_most_moved_annotations_first_and_only_refined_ones(refined):
    coco, paths = refined()
    table = table_of(coco, paths)
    assert table.columns == list(COLUMNS)
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.data]
    pictures = [row.pop("picture") for row in rows]
    known = {"file_name": "a.png", "category": "cat"}
    assert rows[0] == {
        **known,
        "annotation_id": 5,
        "refine_score": 0.9,
        "iou_with_original": 0.0,
        "shift_in_pixels": 10.0,
        "iou_with_true_before": 0.0,
        "iou_with_true_after": 0.5,
    }
    assert rows[1]["annotation_id"] == 6
    assert rows[1]["iou_with_true_after"] is None
    assert rows[1]["shift_in_pixels"] == 1.0
    assert len(rows) == 2, "one was not refined"
    colours = {tuple(colour) for colour in np.asarray(pictures[0].image).reshape(-1, 3).tolist()}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in (ORIGINAL, REFINED)} <= colours


def test_the_table_is_bounded(refined):
    table = table_of(*refined(width=500, height=300, repeat=2 * ROWS))
    assert len(table.data) == ROWS
    assert all(max(row[1].image.size) == PICTURE_SIDE for row in table.data)


@pytest.mark.parametrize("box", [(-1e9, -9e8, 1e9, 1e9), (39.5, 29.5, 0.01, 0.01), (5, -3, 1e9, 4)])
@pytest.mark.parametrize("original", [(0, 0, -5, 5), (-1e9, 5, 10, 10), (1e9, 1e9, 1, 1)])
def test_boxes_wherever_they_lie_have_a_picture(refined, box, original):
    coco, paths = refined(box=box, original=original, true=original)
    pictures = [row[1].image for row in table_of(coco, paths).data]
    assert all(1 <= min(picture.size) <= max(picture.size) <= PICTURE_SIDE for picture in pictures)


def test_a_table_of_nothing_is_a_table(refined):
    coco, _ = refined()
    assert table_of(coco, {}).data == []


def test_wandb_takes_rows_with_and_without_truth(refined, tmp_path, monkeypatch):
    for name in ("WANDB_MODE", "WANDB_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    settings = wandb.Settings(silent=True, console="off", reinit="create_new")
    with wandb.init(mode="offline", dir=tmp_path, settings=settings) as run:
        run.log({"most_moved": table_of(*refined())})
    wandb.teardown()  # what it has read of the environment would affect later tests as well
    (path,) = tmp_path.rglob("*.table.json")
    rows = json.loads(path.read_text())
    assert rows["columns"] == list(COLUMNS)
    assert [row[-1] for row in rows["data"]] == [0.5, None]
