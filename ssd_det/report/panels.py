"""Images with their noisy, refined and true boxes, as wandb shows them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from PIL import Image as PillowImage

from ssd_det.annotations.coco import Annotation, Image
from ssd_det.batches.dataset import read_image
from ssd_det.ops.box_types import Xywh
from ssd_det.report.moves import overlaps_with_true

LONGEST_SIDE = 1024  # pixels; what is tracked stays small however large the images are

Place = tuple[float, float]


def panel(
    image: Image,
    path: Path,
    annotations: Sequence[Annotation],
    names: dict[int, str],
    scores: Mapping[int, float],
) -> wandb.Image:
    """An image whose boxes are in three groups, ``noisy``, ``refined`` and ``true``, each with a switch of its own.

    Every box has the name of its category; noisy and refined ones their IoU with the true box, where it is known.

    Args:
        image: its entry in the annotation file.
        path: its file.
        annotations: those of the image, with ``original_bbox`` where boxes were refined.
        names: of the categories, by id.
        scores: of refined boxes, by annotation id.

    Raises:
        InputError: if the image cannot be read.
    """
    pixels = PillowImage.fromarray(read_image(path, image))
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    scale = pixels.width / image.width, pixels.height / image.height
    known = [a for a in annotations if a.true_bbox]
    groups = {
        "noisy": _boxes(annotations, [a.unrefined for a in annotations], scale, names),
        "refined": _boxes(annotations, [a.bbox for a in annotations], scale, names, scores),
        "true": _boxes(known, [a.true_bbox for a in known if a.true_bbox], scale, names),
    }
    boxes = {group: {"box_data": entries, "class_labels": names} for group, entries in groups.items() if entries}
    return wandb.Image(pixels, boxes=boxes, caption=image.file_name)


def _boxes(
    annotations: Sequence[Annotation],
    boxes: Sequence[Xywh],
    scale: Place,
    names: Mapping[int, str],
    scores: Mapping[int, float] | None = None,
) -> list[dict[str, Any]]:
    """The boxes xywh of a group in the form that wandb takes."""
    entries = []
    overlaps = overlaps_with_true(boxes, [annotation.true_bbox for annotation in annotations])
    for annotation, box, overlap in zip(annotations, boxes, overlaps, strict=True):
        score = (scores or {}).get(annotation.id)
        name = names[annotation.category_id]
        x, y, width, height = box
        entry: dict[str, Any] = {
            "position": {
                "minX": x * scale[0],
                "minY": y * scale[1],
                "maxX": (x + width) * scale[0],
                "maxY": (y + height) * scale[1],
            },
            "domain": "pixel",
            "class_id": annotation.category_id,
            "box_caption": name if score is None else f"{name} {score:.2f}",
        }
        shown = {
            key: value for key, value in (("refine_score", score), ("iou_with_true", overlap)) if value is not None
        }
        if shown:  # wandb filters boxes by them
            entry["scores"] = shown
        entries.append(entry)
    return entries
