"""The pictures of the page: every object on its own at full resolution, and every image, large and small."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

from PIL import Image as PillowImage

from ssd_det.annotations.coco import Image
from ssd_det.batches.image_reading import read_image
from ssd_det.console import bar
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh

CONTEXT = 1.6  # side of a crop, in larger sides of the boxes in it
LEAST_CROP = 24  # pixels: fewer show nothing
CROP_SIDE, THUMB_SIDE, IMAGE_SIDE = 256, 320, 1280
QUALITY = 85
MANY = 100  # images, which take some seconds
FOLDERS = ("crops", "thumbs", "images")


def crop_region(boxes: Sequence[Xywh], image: Image) -> list[int]:
    """The square around boxes that shows an object with some of its surroundings, moved into the image if it fits.

    Args:
        boxes: xywh in pixels, at least one.
        image: that they are in; parts of boxes outside of it are not shown.

    Returns:
        The region xywh in whole pixels, within the image; smaller than a square where the image is.
    """
    region = []
    for axis, limit in ((0, image.width), (1, image.height)):
        low, high = min(box[axis] for box in boxes), max(box[axis] + box[axis + 2] for box in boxes)
        region.append((min(max(low, 0), limit), max(min(high, limit), 0)))
    largest = max(high - low for low, high in region)
    side = max(round(largest * CONTEXT), LEAST_CROP)
    sides = [min(side, limit) for limit in (image.width, image.height)]
    starts = [
        min(max(round((low + high - length) / 2), 0), limit - length)
        for (low, high), length, limit in zip(region, sides, (image.width, image.height), strict=True)
    ]
    return [*starts, *sides]


def write_pictures(
    folder: Path, images: Sequence[Image], files: Mapping[int, Path], crops: Sequence[tuple[int, list[int]]]
) -> dict[int, str]:
    """Write the pictures of images and of the objects in them.

    Args:
        folder: gets ``images``, ``thumbs`` and ``crops``, whose files are named after the index of the image or object.
        images: those of the page.
        files: of the images, by their ids; images that are missing have none.
        crops: of each object of the page the index of its image, and the region xywh that its picture shows.

    Returns:
        Why an image has no pictures, by its index.

    Raises:
        OSError: if the disk refuses.
    """
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    regions: dict[int, dict[int, list[int]]] = {}
    for number, (index, region) in enumerate(crops):
        regions.setdefault(index, {})[number] = region

    def write(index: int) -> str | None:
        image = images[index]
        if image.id not in files:
            return "the file does not exist"
        try:
            picture = PillowImage.fromarray(read_image(files[image.id], image))
        except InputError as error:
            return str(error)
        for name, side in (("images", IMAGE_SIDE), ("thumbs", THUMB_SIDE)):
            _save(picture, side, folder / name / f"{index}.jpg")
        for number, (x, y, width, height) in regions[index].items():
            _save(picture.crop((x, y, x + width, y + height)), CROP_SIDE, folder / "crops" / f"{number}.jpg")
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        reasons = list(pool.map(write, bar(range(len(images)), "pictures", MANY)))
    return {index: reason for index, reason in enumerate(reasons) if reason}


def _save(picture: PillowImage.Image, side: int, path: Path) -> None:
    """Save a picture no larger than ``side``."""
    picture = picture.copy()
    picture.thumbnail((side, side), PillowImage.Resampling.LANCZOS)
    encoded = BytesIO()  # Pillow does not tell a full disk from another mistake
    picture.save(encoded, "JPEG", quality=QUALITY)
    path.write_bytes(encoded.getvalue())
