"""How good detections are: COCO's average precision, and that of Pascal VOC at IoU 0.5."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from torchvision.ops import box_iou

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.rotation import box_around, rotation_of
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import corners
from ssd_det.ops.voc_precision import voc_average_precision, voc_matches

try:  # several times as fast, with the same results
    from faster_coco_eval import COCO
    from faster_coco_eval import COCOeval_faster as COCOeval
except ImportError:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

NAMES = ("ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large")
AT_50, ALL_SIZES, MOST_DETECTIONS = 0, 0, 2
RECALLS = 101  # 0, 0.01, ..., 1

Results = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class CategoryMetrics:
    """Average precision of one category, ``None`` where it has no object to find; see :class:`DetectorMetrics`."""

    ap: float | None
    ap_50: float | None
    voc_ap_50: float | None


@dataclass(frozen=True)
class DetectorMetrics:
    """How good detections are; precisions are in [0, 1], or ``None`` where there is no object to find.

    Attributes:
        ap: COCO's average precision, the mean over the IoU thresholds 0.5, 0.55, ..., 0.95.
        ap_50: at IoU 0.5.
        ap_75: at IoU 0.75.
        ap_small: of objects below 32² pixels.
        ap_medium: of objects from 32² to 96² pixels.
        ap_large: of objects above 96² pixels.
        voc_ap_50: as Pascal VOC defines it, at IoU 0.5.
        images: how many there are.
        objects: how many there are to find.
        detections: how many were judged.
        precision_at_50: the mean precision over the classes at the recalls 0, 0.01, ..., 1 and IoU 0.5.
        by_category: by the categories' names; ``None`` where it was not asked for.
    """

    ap: float | None
    ap_50: float | None
    ap_75: float | None
    ap_small: float | None
    ap_medium: float | None
    ap_large: float | None
    voc_ap_50: float | None
    images: int
    objects: int
    detections: int
    precision_at_50: list[float] | None
    by_category: dict[str, CategoryMetrics] | None = None

    @property
    def main(self) -> tuple[float | None, float | None, float | None]:
        """``ap``, ``ap_50`` and ``ap_75``, which tables show."""
        return self.ap, self.ap_50, self.ap_75

    def to_json(self) -> JsonObject:
        """The content of metrics.json."""
        content = asdict(self)
        if self.by_category is None:
            del content["by_category"]
        return content

    @classmethod
    def from_json(cls, content: JsonObject) -> "DetectorMetrics":
        """Read the content of metrics.json.

        Raises:
            TypeError: if keys are missing, or unknown ones are there.
            ValueError: if the curve has another number of recalls.
        """
        if content.get("precision_at_50") and len(content["precision_at_50"]) != RECALLS:
            raise ValueError("precision_at_50")
        by_category = content.get("by_category")
        if by_category is not None:
            by_category = {name: CategoryMetrics(**metrics) for name, metrics in by_category.items()}
        return cls(**{**content, "by_category": by_category})


def average_precision(coco: CocoFile, results: Results, per_class: bool = False) -> DetectorMetrics:
    """Measure detections against true boxes.

    Args:
        coco: the true boxes; crowd boxes are ignored as COCO does, difficult ones as Pascal VOC does in
            ``voc_ap_50``, and like crowd boxes in COCO's metrics, which know no such flag. Rotated ones are
            like difficult ones, with the upright box around them.
        results: detections as COCO results: ``image_id``, ``category_id``, ``bbox`` (xywh) and ``score``.
        per_class: measure each category as well.
    """
    evaluation = _evaluate(coco, results)
    voc = _voc_by_category(coco, results)
    voc_precisions = [value for value in voc.values() if value is not None]
    # [IoU thresholds, recalls, categories, sizes, numbers of detections], -1 where there is no object
    precision = evaluation.eval["precision"]
    curve = precision[AT_50, :, :, ALL_SIZES, MOST_DETECTIONS]
    curve = curve[:, (curve > -1).all(axis=0)]
    names = unique_names(coco)
    by_category = {
        names[category.id]: CategoryMetrics(
            ap=_mean(precision[:, :, index, ALL_SIZES, MOST_DETECTIONS]),
            ap_50=_mean(precision[AT_50, :, index, ALL_SIZES, MOST_DETECTIONS]),
            voc_ap_50=voc[category.id],
        )
        for index, category in enumerate(coco.categories)
    }
    return DetectorMetrics(
        **{name: _known(value) for name, value in zip(NAMES, evaluation.stats[: len(NAMES)], strict=True)},
        voc_ap_50=sum(voc_precisions) / len(voc_precisions) if voc_precisions else None,
        images=len(coco.images),
        objects=sum(not (annotation.crowd or _may_be_missed(annotation)) for annotation in coco.annotations),
        detections=len(results),
        precision_at_50=curve.mean(axis=1).tolist() if curve.size else None,
        by_category=by_category if per_class else None,
    )


def _evaluate(coco: CocoFile, results: Results) -> Any:
    """Run COCO's evaluation, without what it prints."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth, detected = COCO(), COCO()
        shared = {
            "images": [image._asdict() for image in coco.images],
            "categories": [category._asdict() for category in coco.categories],
        }
        truth.dataset = {**shared, "annotations": _true_entries(coco)}
        detected.dataset = {**shared, "annotations": _result_entries(results)}
        truth.createIndex()
        detected.createIndex()
        evaluation = COCOeval(truth, detected, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _true_entries(coco: CocoFile) -> list[dict[str, Any]]:
    """Annotations with new ids, as COCO's evaluation takes a match with id 0 for none, and with an area."""
    entries = []
    for number, annotation in enumerate(coco.annotations, start=1):
        area, box = coco.entry(annotation).get("area"), _upright(coco, annotation)
        entries.append(
            {
                "id": number,
                "image_id": annotation.image_id,
                "category_id": annotation.category_id,
                "bbox": list(box),
                "area": box[2] * box[3] if area is None else area,
                "iscrowd": int(annotation.crowd or _may_be_missed(annotation)),
            }
        )
    return entries


def _may_be_missed(annotation: Annotation) -> bool:
    """Whether finding an object is neither right nor wrong."""
    return annotation.difficult or annotation.rotated


def _upright(coco: CocoFile, annotation: Annotation) -> Xywh:
    """The box of an object, that around it where it is rotated."""
    rotation = rotation_of(coco.entry(annotation))
    return annotation.bbox if rotation is None else Xywh(box_around(annotation.bbox, rotation))


def _result_entries(results: Results) -> list[dict[str, Any]]:
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
    detections: dict[int, dict[int, list[Mapping[str, Any]]]] = {category.id: {} for category in coco.categories}
    for result in results:
        detections[result["category_id"]].setdefault(result["image_id"], []).append(result)
    precisions: dict[int, float | None] = {}
    for key, objects_by_image in objects.items():
        scores, correct = [np.zeros(0)], [np.zeros(0, dtype=bool)]
        for image_id, detected in detections[key].items():
            true = objects_by_image.get(image_id, [])
            overlaps = box_iou(corners([d["bbox"] for d in detected]), corners([_upright(coco, a) for a in true]))
            image_scores = np.array([d["score"] for d in detected])
            difficult = np.array([_may_be_missed(a) for a in true], dtype=bool)
            hits, counted = voc_matches(overlaps.numpy(), image_scores, difficult)
            scores.append(image_scores[counted])
            correct.append(hits[counted])
        count = sum(not _may_be_missed(a) for annotations in objects_by_image.values() for a in annotations)
        precisions[key] = (
            voc_average_precision(np.concatenate(scores), np.concatenate(correct), count) if count else None
        )
    return precisions


def _mean(precision: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    known = precision[precision > -1]
    return float(known.mean()) if known.size else None


def _known(value: float) -> float | None:
    return float(value) if value > -1 else None
