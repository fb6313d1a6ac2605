"""What the page shows of every annotation and image."""

from collections.abc import Mapping, Sequence
from typing import Any

from ssd_det.data.coco import Annotation, Box, CocoFile, Image, is_number
from ssd_det.ops.boxes import centre_and_size, corners, iou
from ssd_det.report.review.crops import crop_region

DIGITS = 3


def chosen_images(coco: CocoFile, count: int) -> list[Image]:
    """The images whose boxes moved most, whole, so many that they have at most ``count`` annotations, but at least one.

    Args:
        coco: the annotation file.
        count: how many annotations the page may show.

    Returns:
        Images with annotations, in the file's order.
    """
    overlaps = dict(zip((a.id for a in coco.annotations), _overlaps(coco.annotations), strict=True))
    least = {key: min(overlaps[a.id] for a in group) for key, group in coco.annotations_by_image.items()}
    chosen, room = set[int](), count
    for key in sorted(least, key=lambda key: (least[key], key)):
        room -= len(coco.annotations_by_image[key])
        if room < 0 and chosen:
            break
        chosen.add(key)
    return [image for image in coco.images if image.id in chosen]


def page_objects(coco: CocoFile, images: Sequence[Image], true_boxes: Mapping[int, Box]) -> list[dict[str, Any]]:
    """What is known of every annotation of some images.

    Args:
        coco: the annotation file, with ``original_bbox`` where boxes were refined.
        images: those to show.
        true_boxes: xywh, by annotation id, where they are known.

    Returns:
        For each annotation ``id`` (a text, as browsers round large numbers), ``image`` and ``category`` (their places
        in the lists of the page), ``box``, ``original`` and ``true`` (xywh in pixels, the last two ``None`` where there
        is none), ``crop`` (the region xywh that its picture shows), ``score``, ``shift`` (of the centre, in pixels),
        ``iou`` (with the original box), ``before`` and ``after`` (IoU with the true box), ``None`` where not known.
    """
    category_place = {category.id: index for index, category in enumerate(coco.categories)}
    shown = [(index, a) for index, image in enumerate(images) for a in coco.annotations_by_image[image.id]]
    annotations = [annotation for _, annotation in shown]
    truth = [true_boxes.get(annotation.id) for annotation in annotations]
    columns = zip(
        shown,
        truth,
        _overlaps(annotations),
        _shifts(annotations),
        _overlaps_with([_original(a) for a in annotations], truth),
        _overlaps_with([a.bbox for a in annotations], truth),
        strict=True,
    )
    return [
        {
            "id": str(annotation.id),
            "image": index,
            "category": category_place[annotation.category_id],
            "box": _rounded(annotation.bbox),
            "original": _rounded(annotation.original_bbox),
            "true": _rounded(true),
            "crop": crop_region(
                [box for box in (annotation.bbox, annotation.original_bbox, true) if box], images[index]
            ),
            "score": _score(coco, annotation),
            "shift": round(shift, DIGITS) if annotation.original_bbox else None,
            "iou": round(overlap, DIGITS) if annotation.original_bbox else None,
            "before": before,
            "after": after,
        }
        for (index, annotation), true, overlap, shift, before, after in columns
    ]


def _original(annotation: Annotation) -> Box:
    return annotation.original_bbox or annotation.bbox


def _overlaps(annotations: Sequence[Annotation]) -> list[float]:
    """IoU of boxes with their originals, 1 for those that were not refined."""
    overlaps = iou(corners([_original(a) for a in annotations]), corners([a.bbox for a in annotations])).tolist()
    return [value if a.original_bbox else 1.0 for a, value in zip(annotations, overlaps, strict=True)]


def _overlaps_with(boxes: Sequence[Box], truth: Sequence[Box | None]) -> list[float | None]:
    """IoU with true boxes, ``None`` where there is none."""
    overlaps = iou(corners(boxes), corners([true or box for true, box in zip(truth, boxes, strict=True)])).tolist()
    return [round(overlap, DIGITS) if true else None for overlap, true in zip(overlaps, truth, strict=True)]


def _shifts(annotations: Sequence[Annotation]) -> list[float]:
    """Distances of the centres of boxes from those of their originals, in pixels."""
    new, old = corners([a.bbox for a in annotations]), corners([_original(a) for a in annotations])
    shifts: list[float] = (centre_and_size(new)[0] - centre_and_size(old)[0]).norm(dim=1).tolist()
    return shifts


def _score(coco: CocoFile, annotation: Annotation) -> float | None:
    score = coco.entry(annotation).get("refine_score")
    return score if is_number(score) and annotation.original_bbox else None


def _rounded(box: Box | None) -> list[float] | None:
    return [round(value, DIGITS) for value in box] if box else None
