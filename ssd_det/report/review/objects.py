"""What the page shows of every annotation and image."""

from collections.abc import Mapping, Sequence
from typing import Any

from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.ops.box_types import Xywh
from ssd_det.report.moves import moves, overlaps_with_original
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
    overlaps = dict(zip((a.id for a in coco.annotations), overlaps_with_original(coco.annotations), strict=True))
    least = {key: min(overlaps[a.id] for a in group) for key, group in coco.annotations_by_image.items()}
    chosen, room = set[int](), count
    for key in sorted(least, key=lambda key: (least[key], key)):
        room -= len(coco.annotations_by_image[key])
        if room < 0 and chosen:
            break
        chosen.add(key)
    return [image for image in coco.images if image.id in chosen]


def page_objects(coco: CocoFile, images: Sequence[Image], true_boxes: Mapping[int, Xywh]) -> list[dict[str, Any]]:
    """What is known of every annotation of some images.

    Args:
        coco: the annotation file, with ``original_bbox`` where boxes were refined.
        images: those to show.
        true_boxes: xywh, by annotation id, where they are known.

    Returns:
        For each annotation ``id`` (a text, as browsers round large numbers), ``image`` and ``category`` (their places
        in the lists of the page), ``box``, ``original`` and ``true`` (xywh in pixels, the last two ``None`` where there
        is none), ``crop`` (the region xywh that its picture shows), and all of :class:`ssd_det.report.moves.Move`.
    """
    category_place = {category.id: index for index, category in enumerate(coco.categories)}
    shown = [(index, a) for index, image in enumerate(images) for a in coco.annotations_by_image[image.id]]
    measured = moves(coco, [annotation for _, annotation in shown], true_boxes)
    found = []
    for (index, annotation), move in zip(shown, measured, strict=True):
        true = true_boxes.get(annotation.id)
        boxes = [box for box in (annotation.bbox, annotation.original_bbox, true) if box]
        found.append(
            {
                "id": str(annotation.id),
                "image": index,
                "category": category_place[annotation.category_id],
                "box": _rounded(annotation.bbox),
                "original": _rounded(annotation.original_bbox),
                "true": _rounded(true),
                "crop": crop_region(boxes, images[index]),
                **move._asdict(),
            }
        )
    return found


def _rounded(box: Xywh | None) -> list[float] | None:
    return [round(value, DIGITS) for value in box] if box else None
