"""How good detections are: COCO's average precision, and that of Pascal VOC at IoU 0.5."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torchvision.ops import box_iou

from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import Annotation, CocoFile
from ssd_det.ops.boxes import corners
from ssd_det.ops.voc_precision import voc_average_precision, voc_matches

try:  # several times as fast, the same figures
    from faster_coco_eval import COCO
    from faster_coco_eval import COCOeval_faster as COCOeval
except ImportError:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")
AT_50, ALL_SIZES, MOST_DETECTIONS = 0, 0, 2

Results = Sequence[Mapping[str, Any]]


def average_precision(coco: CocoFile, results: Results, per_class: bool = False) -> dict[str, Any]:
    """Measure detections against true boxes.

    Args:
        coco: the true boxes; crowd boxes are ignored as COCO does, difficult ones as Pascal VOC does in
            ``voc_ap_50``, and like crowd boxes in COCO's figures, which know no such flag.
        results: detections as COCO results: ``image_id``, ``category_id``, ``bbox`` (xywh) and ``score``.
        per_class: add ``by_category``.

    Returns:
        COCO's ``ap``, ``ap_50``, ``ap_75``, ``ap_small``, ``ap_medium``, ``ap_large`` and ``voc_ap_50``, each a
        number in [0, 1], or ``None`` where there is no object to find; ``images``, ``objects``, ``detections``;
        ``precision_at_50``, the mean precision over the classes at the recalls 0, 0.01, ..., 1 and IoU 0.5; and,
        on request, ``by_category``: ``ap``, ``ap_50`` and ``voc_ap_50`` by name.
    """
    evaluation = _evaluate(coco, results)
    voc = _voc_by_category(coco, results)
    found = [value for value in voc.values() if value is not None]
    # [IoU thresholds, recalls, categories, sizes, numbers of detections], -1 where there is no object
    precision = evaluation.eval["precision"]
    curve = precision[AT_50, :, :, ALL_SIZES, MOST_DETECTIONS]
    curve = curve[:, (curve > -1).all(axis=0)]
    measured: dict[str, Any] = {
        name: _known(value) for name, value in zip(NAMES, evaluation.stats[: len(NAMES)], strict=True)
    }
    measured["voc_ap_50"] = sum(found) / len(found) if found else None
    measured["images"] = len(coco.images)
    measured["objects"] = sum(not (annotation.crowd or annotation.difficult) for annotation in coco.annotations)
    measured["detections"] = len(results)
    measured["precision_at_50"] = curve.mean(axis=1).tolist() if curve.size else None
    if per_class:
        names = unique_names(coco)
        measured["by_category"] = {
            names[category.id]: {
                "ap": _mean(precision[:, :, index, ALL_SIZES, MOST_DETECTIONS]),
                "ap_50": _mean(precision[AT_50, :, index, ALL_SIZES, MOST_DETECTIONS]),
                "voc_ap_50": voc[category.id],
            }
            for index, category in enumerate(coco.categories)
        }
    return measured


def _evaluate(coco: CocoFile, results: Results) -> Any:
    """Run COCO's evaluation, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth, found = COCO(), COCO()
        shared = {
            "images": [image._asdict() for image in coco.images],
            "categories": [category._asdict() for category in coco.categories],
        }
        truth.dataset = {**shared, "annotations": _true_entries(coco)}
        found.dataset = {**shared, "annotations": _found_entries(results)}
        truth.createIndex()
        found.createIndex()
        evaluation = COCOeval(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _true_entries(coco: CocoFile) -> list[dict[str, Any]]:
    """Annotations with new ids, as COCO's evaluation takes a match with id 0 for none, and with an area."""
    entries = []
    for number, annotation in enumerate(coco.annotations, start=1):
        area = coco.entry(annotation).get("area")
        entries.append(
            {
                "id": number,
                "image_id": annotation.image_id,
                "category_id": annotation.category_id,
                "bbox": list(annotation.bbox),
                "area": annotation.bbox[2] * annotation.bbox[3] if area is None else area,
                "iscrowd": int(annotation.crowd or annotation.difficult),
            }
        )
    return entries


def _found_entries(results: Results) -> list[dict[str, Any]]:
    """Results as COCO's ``loadRes`` makes them, which fails where there are none."""
    return [
        {**result, "id": number, "area": result["bbox"][2] * result["bbox"][3], "iscrowd": 0}
        for number, result in enumerate(results, start=1)
    ]


def _voc_by_category(coco: CocoFile, results: Results) -> dict[int, float | None]:
    """Average precision of each category at IoU 0.5; ``None`` where it has no objects. Crowd boxes are left out."""
    objects: dict[int, dict[int, list[Annotation]]] = {category.id: {} for category in coco.categories}
    for annotation in coco.annotations:
        if not annotation.crowd:
            objects[annotation.category_id].setdefault(annotation.image_id, []).append(annotation)
    found: dict[int, dict[int, list[Mapping[str, Any]]]] = {category.id: {} for category in coco.categories}
    for result in results:
        found[result["category_id"]].setdefault(result["image_id"], []).append(result)
    precisions: dict[int, float | None] = {}
    for key, by_image in objects.items():
        scores, correct = [np.zeros(0)], [np.zeros(0, dtype=bool)]
        for image_id, detections in found[key].items():
            there = by_image.get(image_id, [])
            overlaps = box_iou(corners([d["bbox"] for d in detections]), corners([a.bbox for a in there]))
            found_scores = np.array([d["score"] for d in detections])
            difficult = np.array([a.difficult for a in there], dtype=bool)
            hits, counted = voc_matches(overlaps.numpy(), found_scores, difficult)
            scores.append(found_scores[counted])
            correct.append(hits[counted])
        count = sum(not a.difficult for some in by_image.values() for a in some)
        precisions[key] = (
            voc_average_precision(np.concatenate(scores), np.concatenate(correct), count) if count else None
        )
    return precisions


def _mean(precision: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _known(value: float) -> float | None:
    return float(value) if value > -1 else None
