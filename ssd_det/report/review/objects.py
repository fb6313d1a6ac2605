"""What the page shows of every annotation and image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.ops.box_types import Xywh
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.review.crops import crop_region

DIGITS = 3


@dataclass(frozen=True)
class PageObject:
    """What the page knows of an annotation.

    Attributes:
        id: of the annotation, as a text, since browsers round large numbers.
        image: its index in the page's list of images.
        category: its index in the page's list of categories.
        box: xywh in pixels.
        original: the box before refining, ``None`` where it was not refined.
        true: the true box, ``None`` where it is not known.
        crop: the region of the image that its picture shows, xywh in whole pixels.
        score: this and all below as in :class:`ssd_det.report.measured_boxes.BoxChange`.
        shift: in pixels.
        iou: with the original box.
        before: IoU with the true box before refining.
        after: IoU with the true box.
        trusted: whether the file says that the box is right.
        fixed: why no box of it can be trusted, such as that of a crowd; ``None`` where it can.
        chosen: why it is on a page of boxes to check; ``None`` on other pages.
    """

    id: str
    image: int
    category: int
    box: list[float]
    original: list[float] | None
    true: list[float] | None
    crop: list[int]
    score: float | None
    shift: float | None
    iou: float | None
    before: float | None
    after: float | None
    trusted: bool = False
    fixed: str | None = None
    chosen: str | None = None


def chosen_images(coco: CocoFile, boxes: MeasuredBoxes, count: int) -> list[Image]:
    """The images whose boxes moved most, whole, so many that they have at most ``count`` annotations, but at least one.

    Args:
        coco: the annotation file.
        boxes: its boxes, measured.
        count: how many annotations the page may show.

    Returns:
        Images with annotations, in the file's order.
    """
    least: dict[int, float] = {}
    for annotation, overlap in zip(boxes.annotations, boxes.iou_with_original.tolist(), strict=True):
        least[annotation.image_id] = min(overlap, least.get(annotation.image_id, overlap))
    chosen, room = set[int](), count
    for key in sorted(least, key=lambda key: (least[key], key)):
        room -= len(coco.annotations_by_image[key])
        if room < 0 and chosen:
            break
        chosen.add(key)
    return [image for image in coco.images if image.id in chosen]


def page_objects(
    coco: CocoFile, images: Sequence[Image], boxes: MeasuredBoxes, chosen: Mapping[int, str] | None = None
) -> list[PageObject]:
    """What is known of the annotations of some images, image by image.

    Args:
        coco: the annotation file, with ``original_bbox`` where boxes were refined.
        images: those to show.
        boxes: of the file, measured.
        chosen: the annotations to show, by their ids, and why; all where not given.
    """
    reasons = chosen or {}
    category_index = {category.id: index for index, category in enumerate(coco.categories)}
    row_of = {annotation.id: row for row, annotation in enumerate(boxes.annotations)}
    shown = [(index, a) for index, image in enumerate(images) for a in coco.annotations_by_image[image.id]]
    if chosen is not None:
        shown = [(index, annotation) for index, annotation in shown if annotation.id in chosen]
    rows = boxes.rows([row_of[a.id] for _, a in shown])
    objects = []
    for (index, annotation), true, change in zip(shown, rows.true_boxes, rows.changes(), strict=True):
        visible = [box for box in (annotation.bbox, annotation.original_bbox, true) if box]
        objects.append(
            PageObject(
                str(annotation.id),
                index,
                category_index[annotation.category_id],
                _rounded(annotation.bbox),
                _rounded(annotation.original_bbox) if annotation.original_bbox else None,
                _rounded(true) if true else None,
                crop_region(visible, images[index]),
                *change,
                trusted=annotation.trusted,
                fixed=coco.why_never_usable(annotation),
                chosen=reasons.get(annotation.id),
            )
        )
    return objects


def _rounded(box: Xywh) -> list[float]:
    return [round(value, DIGITS) for value in box]
