"""A table of the annotations whose boxes moved most, each with a picture, for wandb."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from PIL import Image as PillowImage
from PIL import ImageDraw

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.batches.image_reading import read_image
from ssd_det.ops.boxes import corners
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.pictures import ORIGINAL, REFINED, TRUE
from ssd_det.report.review.crops import crop_region

if TYPE_CHECKING:
    import wandb

ROWS = 50
COLUMNS = (
    "annotation_id",
    "picture",
    "file_name",
    "category",
    "refine_score",
    "shift_in_pixels",
    "iou_with_original",
    "iou_with_true_before",
    "iou_with_true_after",
)
PICTURE_SIDE = 256  # pixels, of the longer side
LINE = 3  # pixels


def moved_table(coco: CocoFile, boxes: MeasuredBoxes, paths: Mapping[int, Path]) -> "wandb.Table":
    """The refined annotations whose boxes overlap their originals least, at most 50, the least first.

    In the pictures the original box is orange, the refined one blue and the true one, where it is known, white.

    Args:
        coco: a refined file.
        boxes: its boxes, measured against the true ones that they carry.
        paths: its images, by id; annotations of other images are left out.

    Raises:
        InputError: if an image cannot be read.
    """
    import wandb  # noqa: PLC0415 (it takes half a second, also where nothing is logged)

    candidates = [
        row for row, a in enumerate(boxes.annotations) if a.original_bbox and a.measurable and a.image_id in paths
    ]
    order = boxes.rows(candidates).iou_with_original.argsort(stable=True)[:ROWS]
    chosen = boxes.rows([candidates[index] for index in order.tolist()])
    names = {category.id: category.name for category in coco.categories}
    rows = [
        [
            a.id,
            _picture(coco, a, paths[a.image_id]),
            coco.image_by_id[a.image_id].file_name,
            names[a.category_id],
            *change,
        ]
        for a, change in zip(chosen.annotations, chosen.changes(), strict=True)
    ]
    return wandb.Table(columns=list(COLUMNS), data=rows)


def _picture(coco: CocoFile, annotation: Annotation, path: Path) -> "wandb.Image":
    """The part of the image that an annotation's boxes are in, with the boxes."""
    import wandb  # noqa: PLC0415

    image = coco.image_by_id[annotation.image_id]
    drawn = [(annotation.true_bbox, TRUE), (annotation.original_bbox, ORIGINAL), (annotation.bbox, REFINED)]
    usable = [(box, colour) for box, colour in drawn if box and min(box[2:]) > 0]
    left, top, width, height = crop_region([box for box, _ in usable], image)
    scale = PICTURE_SIDE / max(width, height)
    sides = max(round(width * scale), 1), max(round(height * scale), 1)
    pixels = PillowImage.fromarray(read_image(path, image))
    picture = pixels.resize(sides, box=(left, top, left + width, top + height))
    brush = ImageDraw.Draw(picture)
    placed = (corners([box for box, _ in usable]) - torch.tensor([left, top, left, top])) * scale
    for (_, colour), rectangle in zip(usable, placed.clamp(-LINE, PICTURE_SIDE + LINE).tolist(), strict=True):
        brush.rectangle(rectangle, outline=colour, width=LINE)
    return wandb.Image(picture)
