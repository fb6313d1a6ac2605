"""A table of the annotations whose boxes moved most, each with a picture, for wandb."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import wandb
from PIL import Image as PillowImage
from PIL import ImageDraw

from ssd_det.data.coco import Annotation, Box, CocoFile
from ssd_det.data.dataset import read_image
from ssd_det.ops.boxes import centre_and_size, corners, iou
from ssd_det.report.panels import DIGITS, overlaps_with_true
from ssd_det.report.pictures import ORIGINAL, REFINED, TRUE

ROWS = 50
COLUMNS = (
    "annotation_id",
    "picture",
    "file_name",
    "category",
    "refine_score",
    "iou_with_original",
    "shift_in_pixels",
    "iou_with_true_before",
    "iou_with_true_after",
)
PICTURE_SIDE = 256  # pixels, of the longer side
MARGIN = 0.25  # around the boxes, of their extent
LINE = 3  # pixels


def moved_table(coco: CocoFile, paths: Mapping[int, Path]) -> wandb.Table:
    """The refined annotations whose boxes overlap their originals least, at most 50, the least first.

    In the pictures the original box is red, the refined one blue and the true one, where it is known, white.

    Args:
        coco: a refined file.
        paths: its images, by id; annotations of others are left out.

    Raises:
        InputError: if an image cannot be read.
    """
    chosen = _most_moved(coco, paths)
    originals, boxes = [_original(a) for a in chosen], [a.bbox for a in chosen]
    old, new = corners(originals), corners(boxes)
    shifts = (centre_and_size(new)[0] - centre_and_size(old)[0]).norm(dim=1)
    names = {category.id: category.name for category in coco.categories}
    columns: list[Sequence[Any]] = [
        [a.id for a in chosen],
        [_picture(coco, a, paths[a.image_id]) for a in chosen],
        [coco.image_by_id[a.image_id].file_name for a in chosen],
        [names[a.category_id] for a in chosen],
        [coco.entry(a).get("refine_score") for a in chosen],
        _rounded(iou(old, new)),
        _rounded(shifts),
        overlaps_with_true(chosen, originals),
        overlaps_with_true(chosen, boxes),
    ]
    return wandb.Table(columns=list(COLUMNS), data=[list(row) for row in zip(*columns, strict=True)])


def _most_moved(coco: CocoFile, paths: Mapping[int, Path]) -> list[Annotation]:
    refined = [a for a in coco.annotations if a.original_bbox is not None and a.measurable and a.image_id in paths]
    overlaps = iou(corners([_original(a) for a in refined]), corners([a.bbox for a in refined]))
    return [refined[place] for place in overlaps.argsort(stable=True)[:ROWS].tolist()]


def _original(annotation: Annotation) -> Box:
    return annotation.original_bbox or annotation.bbox


def _rounded(values: torch.Tensor) -> list[float]:
    return [round(value, DIGITS) for value in values.tolist()]


def _picture(coco: CocoFile, annotation: Annotation, path: Path) -> wandb.Image:
    """The part of the image that an annotation's boxes are in, with the boxes."""
    drawn = [(annotation.true_bbox, TRUE), (_original(annotation), ORIGINAL), (annotation.bbox, REFINED)]
    usable = [(box, colour) for box, colour in drawn if box and min(box[2:]) > 0]
    boxes = corners([box for box, _ in usable])
    image = PillowImage.fromarray(read_image(path, coco.image_by_id[annotation.image_id]))
    left, top, right, bottom = _around(boxes, image.width, image.height)
    scale = PICTURE_SIDE / max(right - left, bottom - top)
    sides = max(round((right - left) * scale), 1), max(round((bottom - top) * scale), 1)
    picture = image.resize(sides, box=(left, top, right, bottom))
    brush = ImageDraw.Draw(picture)
    placed = ((boxes - torch.tensor([left, top, left, top])) * scale).clamp(-LINE, PICTURE_SIDE + LINE)
    for (_, colour), corner in zip(usable, placed.tolist(), strict=True):
        brush.rectangle(corner, outline=colour, width=LINE)
    return wandb.Image(picture)


def _around(boxes: torch.Tensor, width: int, height: int) -> tuple[int, int, int, int]:
    """What to show of an image, left, top, right and bottom in pixels: boxes ``Tensor[N, 4]``, xyxy, with a margin."""
    low, high = boxes[:, :2].amin(dim=0), boxes[:, 2:].amax(dim=0)
    margin = (high - low) * MARGIN
    size = torch.tensor([width, height])
    start = (low - margin).floor().long().clamp(min=0).minimum(size - 1)
    end = (high + margin).ceil().long().minimum(size).maximum(start + 1)
    left, top, right, bottom = torch.cat([start, end]).tolist()
    return left, top, right, bottom
