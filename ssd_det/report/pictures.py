"""Boxes before and after refining, drawn into their images."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from statistics import fmean

from PIL import Image, ImageDraw

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.image_files import missing_images_error, resolve_images
from ssd_det.annotations.output import check_outputs, write_bytes, written_whole
from ssd_det.batches.augmentation import Pixels
from ssd_det.batches.image_reading import read_image
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import corners
from ssd_det.report.boxes_by_id import BoxesById
from ssd_det.report.measured_boxes import MeasuredBoxes, measure_file

# Apart for colour-blind people as well (Okabe and Ito), and against most photographs.
ORIGINAL, REFINED, TRUE = "#d55e00", "#0072b2", "#ffffff"
SHOWN_SIDE = 640
OUTSIDE = 2 * SHOWN_SIDE  # where a side of a box is not seen
GAP = 8
NAME_LENGTH = 100
"""Of a picture, in characters, each of which may take several bytes of the 255 that a file name may have."""


def draw_pictures(
    coco: CocoFile,
    image_root: str | Path,
    folder: Path,
    count: int,
    overwrite: bool = False,
    allow_outside: bool = False,
) -> list[Path]:
    """Draw the images whose boxes moved most, the most moved first: before on the left, after on the right.

    On both sides the true box, where it is known, is drawn below the other box.

    Args:
        coco: the annotation file, with ``original_bbox`` where boxes were refined.
        image_root: the folder of the images.
        folder: where the pictures go; it is made if need be.
        count: how many to draw.
        overwrite: allow the pictures to exist.
        allow_outside: let file names lead out of the folder of the images.

    Raises:
        InputError: if images are missing or do not decode, the folder has images, cannot be made, or a picture exists;
            then none is written.
    """
    if count < 1:
        raise InputError(f"count is {count}: give a number from 1 up.")
    files, missing = resolve_images(coco, image_root, allow_outside)
    if missing:
        raise missing_images_error(coco, image_root, missing)
    folders = {Path(image_root).resolve(), *(file.parent.resolve() for file in files.values())}
    if folder.resolve() in folders:
        raise InputError(f"{folder}: is a folder of the images, which are no place for drawings: give another output.")
    chosen = most_moved(measure_file(coco, BoxesById.of({})))[:count]
    names = [f"{rank:02d}_{files[key].stem[:NAME_LENGTH]}.png" for rank, key in enumerate(chosen, start=1)]
    paths = [folder / name for name in names]
    check_outputs(paths, overwrite=overwrite)
    with written_whole(folder) as new:
        for name, image_id in zip(names, chosen, strict=True):
            pixels = read_image(files[image_id], coco.image_by_id[image_id])
            encoded = BytesIO()
            _picture(pixels, coco, image_id).save(encoded, "PNG")
            write_bytes(new / name, encoded.getvalue())
    return paths


def most_moved(boxes: MeasuredBoxes) -> list[int]:
    """Ids of the images with boxes, those first whose boxes overlap their originals least."""
    overlaps: dict[int, list[float]] = {}
    for annotation, overlap in zip(boxes.annotations, boxes.iou_with_original.tolist(), strict=True):
        overlaps.setdefault(annotation.image_id, []).append(overlap)
    mean = {image_id: fmean(values) for image_id, values in overlaps.items()}
    return sorted(mean, key=lambda image_id: (mean[image_id], image_id))


def _picture(pixels: Pixels, coco: CocoFile, image_id: int) -> Image.Image:
    """Before and after beside each other, the image resized to :data:`SHOWN_SIDE`."""
    annotations = coco.annotations_by_image[image_id]
    height, width = pixels.shape[:2]
    scale = SHOWN_SIDE / max(height, width)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    image = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR)
    true = [a.true_bbox for a in annotations if a.true_bbox]
    before, after = [a.unrefined for a in annotations], [a.bbox for a in annotations]
    picture = Image.new("RGB", (2 * size[0] + GAP, size[1]), TRUE)
    for left, boxes, colour in ((0, before, ORIGINAL), (size[0] + GAP, after, REFINED)):
        side = image.copy()
        _draw(side, true, scale, TRUE, 4)
        _draw(side, boxes, scale, colour, 2)
        picture.paste(side, (left, 0))
    return picture


def _draw(image: Image.Image, boxes: Sequence[Xywh], scale: float, colour: str, width: int) -> None:
    """Draw boxes into an image that is ``scale`` times as large as the one that they are of."""
    draw = ImageDraw.Draw(image)
    for left, top, right, bottom in (corners(boxes) * scale).clamp(0, OUTSIDE).tolist():
        if right > left and bottom > top:
            draw.rectangle((int(left), int(top), int(right), int(bottom)), outline=colour, width=width)
