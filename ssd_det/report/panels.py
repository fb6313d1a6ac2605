"""Images with their noisy, refined and true boxes, as wandb shows them."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PIL import Image as PillowImage

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import Image
from ssd_det.annotations.json_files import JsonObject
from ssd_det.batches.image_reading import read_image
from ssd_det.ops.box_types import Xywh
from ssd_det.report.measured_boxes import carried_true_boxes, measure

if TYPE_CHECKING:
    import wandb

LONGEST_SIDE = 1024  # pixels; what is tracked stays small however large the images are


class PanelBox(NamedTuple):
    """A box of a panel.

    Attributes:
        annotation: whose box it is.
        box: xywh in pixels of the image.
        score: of a refined box, ``None`` for any other.
        iou_with_true: ``None`` where the true box is not known.
    """

    annotation: Annotation
    box: Xywh
    score: float | None
    iou_with_true: float | None


def panel(
    image: Image,
    path: Path,
    annotations: Sequence[Annotation],
    names: dict[int, str],
    scores: Mapping[int, float],
) -> "wandb.Image":
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
    import wandb  # noqa: PLC0415 (it takes half a second, also where nothing is logged)

    pixels = PillowImage.fromarray(read_image(path, image))
    pixels.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    scale = pixels.width / image.width, pixels.height / image.height
    groups: dict[str, list[PanelBox]] = {"noisy": [], "refined": [], "true": []}
    for group, box in _grouped(annotations, scores):
        groups[group].append(box)
    boxes = {
        group: {"box_data": [_entry(box, scale, names) for box in members], "class_labels": names}
        for group, members in groups.items()
        if members
    }
    return wandb.Image(pixels, boxes=boxes, caption=image.file_name)


def _grouped(annotations: Sequence[Annotation], scores: Mapping[int, float]) -> Iterator[tuple[str, PanelBox]]:
    """The boxes of annotations, each with the group that it is in."""
    changes = measure(annotations, carried_true_boxes(annotations), [scores.get(a.id) for a in annotations]).changes()
    for annotation, change in zip(annotations, changes, strict=True):
        yield "noisy", PanelBox(annotation, annotation.unrefined, None, change.before)
        yield "refined", PanelBox(annotation, annotation.bbox, scores.get(annotation.id), change.after)
        if annotation.true_bbox:
            yield "true", PanelBox(annotation, annotation.true_bbox, None, 1.0)


def _entry(shown: PanelBox, scale: tuple[float, float], names: Mapping[int, str]) -> JsonObject:
    """A box in the form that wandb takes."""
    name = names[shown.annotation.category_id]
    x, y, width, height = shown.box
    entry: JsonObject = {
        "position": {
            "minX": x * scale[0],
            "minY": y * scale[1],
            "maxX": (x + width) * scale[0],
            "maxY": (y + height) * scale[1],
        },
        "domain": "pixel",
        "class_id": shown.annotation.category_id,
        "box_caption": name if shown.score is None else f"{name} {shown.score:.2f}",
    }
    numbers = {"refine_score": shown.score, "iou_with_true": shown.iou_with_true}
    scores = {key: value for key, value in numbers.items() if value is not None}
    if scores:  # wandb filters boxes by them
        entry["scores"] = scores
    return entry
