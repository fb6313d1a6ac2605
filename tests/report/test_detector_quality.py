"""COCO's metrics against pycocotools on the same results, and VOC's by hand."""

import contextlib
import importlib.util
import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from ssd_det.annotations.coco import read_coco
from ssd_det.report import detector_quality as module
from ssd_det.report.detector_quality import NAMES, CategoryMetrics, DetectorMetrics, average_precision

EVALUATORS = ["pycocotools", "faster_coco_eval"]


@pytest.fixture(params=EVALUATORS)
def evaluator(request, monkeypatch):
    """Both libraries that the metrics may come from."""
    if request.param == "faster_coco_eval":
        if importlib.util.find_spec("faster_coco_eval") is None:
            pytest.skip("faster-coco-eval is not installed")
    else:
        monkeypatch.setattr(module, "COCO", COCO)
        monkeypatch.setattr(module, "COCOeval", COCOeval)
    return request.param


def random_case(seed):
    """Ground truth with gaps in the ids, crowds and images without boxes, and results with jitter and noise."""
    random = np.random.default_rng(seed)
    images = [{"id": 10 * i, "file_name": f"{i}.png", "width": 200, "height": 200} for i in range(8)]
    annotations, results = [], []
    for image in images[:-1]:
        for _ in range(random.integers(0, 7)):
            x, y = random.uniform(0, 120, 2)
            width, height = random.uniform(4, 80, 2)
            category = int(random.choice([3, 7, 9]))
            box = [x, y, width, height]
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image["id"],
                    "category_id": category,
                    "bbox": box,
                    "area": width * height * random.uniform(0.5, 1),
                    "iscrowd": int(random.random() < 0.1),
                }
            )
            for _ in range(random.integers(0, 3)):
                moved = np.array(box) + random.normal(0, 4, 4) * [1, 1, 0.5, 0.5]
                results.append((image["id"], category if random.random() < 0.9 else 3, np.maximum(moved, 1)))
        for _ in range(3):
            results.append((image["id"], int(random.choice([3, 7])), random.uniform(1, 90, 4)))
    categories = [{"id": key, "name": f"c{key}"} for key in (3, 7, 9, 40)]
    found = [
        {"image_id": i, "category_id": c, "bbox": b.round(3).tolist(), "score": round(random.random(), 5)}
        for i, c, b in results
    ]
    return {"images": images, "annotations": annotations, "categories": categories}, found


def by_pycocotools(truth, found):
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        coco.createIndex()
        evaluation = COCOeval(coco, coco.loadRes(found), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


@pytest.mark.parametrize("seed", range(6))
def test_metrics_are_those_of_pycocotools(tmp_path, evaluator, seed):
    truth, found = random_case(seed)
    (tmp_path / "test.json").write_text(json.dumps(truth))
    measured = average_precision(read_coco(tmp_path / "test.json"), found, per_class=True)
    expected = by_pycocotools(truth, found)
    for name, value in zip(NAMES, expected.stats, strict=False):
        assert (-1 if getattr(measured, name) is None else getattr(measured, name)) == pytest.approx(value, abs=1e-6)
    precision = expected.eval["precision"]
    for index, name in enumerate(["c3", "c7", "c9"]):
        values = precision[:, :, index, 0, 2]
        assert measured.by_category[name].ap == pytest.approx(values[values > -1].mean(), abs=1e-6)
    assert measured.by_category["c40"] == CategoryMetrics(ap=None, ap_50=None, voc_ap_50=None)
    assert np.mean(measured.precision_at_50) == pytest.approx(measured.ap_50, abs=1e-6)


@pytest.mark.parametrize("per_class", [False, True])
def test_json_has_classes_where_they_are_asked_for_and_is_read_as_it_was(make_coco, per_class):
    measured = average_precision(read_coco(make_coco()), [], per_class)
    content = measured.to_json()
    keys = [*NAMES, "voc_ap_50", "images", "objects", "detections", "precision_at_50"]
    assert list(content) == keys + ["by_category"] * per_class
    assert content.get("by_category", {"cat": {"ap": 0.0, "ap_50": 0.0, "voc_ap_50": 0.0}}) == {
        "cat": {"ap": 0.0, "ap_50": 0.0, "voc_ap_50": 0.0}
    }
    assert DetectorMetrics.from_json(json.loads(json.dumps(content))) == measured


def test_an_annotation_with_id_0_counts_as_found(make_coco, evaluator):
    box = {"image_id": 1, "category_id": 3, "bbox": [4, 5, 10, 12]}
    coco = read_coco(make_coco(annotations=[{"id": 0, **box}]))
    measured = average_precision(coco, [{**box, "score": 0.5}])
    assert measured.ap == pytest.approx(1)
    assert measured.voc_ap_50 == 1
    assert (measured.images, measured.objects, measured.detections) == (1, 1, 1)


def test_no_detections_score_0(make_coco, evaluator):
    measured = average_precision(read_coco(make_coco()), [])
    assert measured.ap == 0
    assert measured.voc_ap_50 == 0
    assert measured.ap_large is None


def test_voc_takes_the_mean_over_classes_and_leaves_crowds_out(make_coco):
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]},
        {"id": 2, "image_id": 1, "category_id": 4, "bbox": [20, 0, 10, 10]},
        {"id": 3, "image_id": 1, "category_id": 4, "bbox": [0, 20, 9, 9], "iscrowd": 1},
    ]
    categories = [{"id": 3, "name": "cat"}, {"id": 4, "name": "dog"}, {"id": 5, "name": "cow"}]
    coco = read_coco(make_coco(annotations=annotations, categories=categories))
    found = [
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10], "score": 0.9},
        {"image_id": 1, "category_id": 4, "bbox": [0, 0, 10, 10], "score": 0.8},
        {"image_id": 1, "category_id": 4, "bbox": [20, 0, 10, 10], "score": 0.7},
    ]
    measured = average_precision(coco, found, per_class=True)
    assert measured.by_category["cat"].voc_ap_50 == 1
    assert measured.by_category["dog"].voc_ap_50 == 0.5
    assert measured.voc_ap_50 == 0.75


def test_difficult_objects_need_not_be_found_and_finding_them_is_no_mistake(make_coco, evaluator):
    annotations = [
        {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]},
        {"id": 2, "image_id": 1, "category_id": 3, "bbox": [20, 0, 10, 10], "difficult": 1},
        {"id": 3, "image_id": 1, "category_id": 3, "bbox": [20, 15, 10, 10], "difficult": 1},
    ]
    coco = read_coco(make_coco(annotations=annotations))
    found = [
        {"image_id": 1, "category_id": 3, "bbox": [20, 0, 10, 10], "score": 0.9},
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10], "score": 0.8},
    ]
    measured = average_precision(coco, found)
    assert measured.voc_ap_50 == 1
    assert measured.ap == pytest.approx(1)
    assert measured.objects == 1


@pytest.mark.parametrize(
    "rotated",
    [
        {"bbox": [15, 5, 20, 4], "attributes": {"rotation": 90.0}},  # about the centre: from 23, -3 to 27, 17
        {"bbox": [27, -3, 20, 4], "rotation": 90},  # about the first corner: the same
    ],
)
def test_rotated_boxes_need_not_be_found_and_finding_the_upright_one_is_no_mistake(make_coco, evaluator, rotated):
    exact = {"id": 1, "image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10]}
    coco = read_coco(make_coco(annotations=[exact, {**exact, "id": 2, **rotated}]))
    found = [
        {"image_id": 1, "category_id": 3, "bbox": [23, -3, 4, 20], "score": 0.9},
        {"image_id": 1, "category_id": 3, "bbox": [0, 0, 10, 10], "score": 0.8},
    ]
    measured = average_precision(coco, found)
    assert measured.voc_ap_50 == 1
    assert measured.ap == pytest.approx(1)
    assert measured.objects == 1
    assert average_precision(coco, found[1:]).ap == pytest.approx(1)
