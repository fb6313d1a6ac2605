"""Boxes of pictures that EXIF turns: from the picture as it is shown to its stored pixels, and back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.entries import moved
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.stored_pixels import UNREADABLE, Header, read_header
from ssd_det.annotations.values import is_box
from ssd_det.ops.exif_turns import DIGITS, Floats, Integers, shown_boxes, shown_size, turned_boxes

BOX_KEYS = ("bbox", "true_bbox", "original_bbox")
Turn = Callable[[Floats, Integers, Floats], Floats]


def turned_images(files: Mapping[int, Path]) -> dict[int, Header]:
    """The headers of the images that EXIF turns, by image id; files that cannot be read are left out."""
    headers = {}
    for image_id, path in files.items():
        try:
            header = read_header(path)
        except UNREADABLE:
            continue
        if header.orientation > 1:
            headers[image_id] = header
    return headers


def to_stored_pixels(coco: CocoFile, turned: Mapping[int, Header], shares: bool) -> CocoFile:
    """Annotations whose boxes were drawn on pictures as they are shown, with boxes in the stored pixels.

    Args:
        coco: the annotations.
        turned: the headers of the images that EXIF turns, by image id.
        shares: whether boxes were shares of the picture as it is shown, and are in pixels by its stored size.
    """
    sizes = {key: (header.width, header.height) for key, header in turned.items()}
    scales = {}
    for key, header in turned.items():
        shown = _shown_size(header)
        scales[key] = (shown[0] / header.width, shown[1] / header.height) if shares else (1.0, 1.0)
    return _turned(coco, turned, turned_boxes, sizes, scales)


def to_shown_pictures(coco: CocoFile, turned: Mapping[int, Header]) -> CocoFile:
    """Annotations whose boxes are in the stored pixels, with boxes on the pictures as they are shown."""
    sizes = {key: _shown_size(header) for key, header in turned.items()}
    return _turned(coco, turned, shown_boxes, sizes, dict.fromkeys(turned, (1.0, 1.0)))


def _shown_size(header: Header) -> tuple[int, int]:
    width, height = shown_size(np.array([header[:2]], dtype=float), np.array([header.orientation]))[0].tolist()
    return int(width), int(height)


def _turned(
    coco: CocoFile,
    turned: Mapping[int, Header],
    turn: Turn,
    sizes: Mapping[int, tuple[int, int]],
    scales: Mapping[int, tuple[float, float]],
) -> CocoFile:
    """A file with the sizes of some images replaced, and their boxes and polygons scaled and turned."""
    images = [
        {**entry, "width": sizes[image.id][0], "height": sizes[image.id][1]} if image.id in sizes else entry
        for image, entry in zip(coco.images, coco.content["images"], strict=True)
    ]
    annotations = list(coco.content["annotations"])
    for annotation in coco.annotations:
        if annotation.image_id in turned:
            header, scale = turned[annotation.image_id], scales[annotation.image_id]
            annotations[annotation.position] = _turned_entry(coco.entry(annotation), header, turn, scale)
    content = {**coco.content, "images": images, "annotations": annotations}
    return replace(parse_coco(coco.path, content), source=coco.source)


def _turned_entry(entry: JsonObject, header: Header, turn: Turn, scale: tuple[float, float]) -> JsonObject:
    def turned_box(box: list[float]) -> list[float]:
        size, orientation = np.array([header[:2]], dtype=float), np.array([header.orientation])
        numbers: list[float] = turn(np.array([box]) * (scale * 2), orientation, size)[0].round(DIGITS).tolist()
        return numbers

    def turned_polygon(polygon: list[float]) -> list[float]:
        points = [turned_box([x, y, 0, 0])[:2] for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
        return [number for point in points for number in point]

    new = moved(entry, turned_box(entry["bbox"]))
    for key in BOX_KEYS[1:]:
        if is_box(entry.get(key)):
            new[key] = turned_box(entry[key])
    if isinstance(entry.get("segmentation"), list):
        new["segmentation"] = [turned_polygon(polygon) for polygon in entry["segmentation"]]
    return new
