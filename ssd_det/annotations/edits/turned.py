"""Boxes of pictures that EXIF turns: from the picture as it is shown to its stored pixels, and back."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.entries import EARLIER_BOXES, moved
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.stored_pixels import UNREADABLE, Header, read_header
from ssd_det.annotations.values import is_box, polygons_of
from ssd_det.ops.exif_turns import DIGITS, Floats, Integers, shown_boxes, shown_size, turned_boxes

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
    def turned(boxes: Floats) -> Floats:
        count = len(boxes)
        sizes, orientations = np.tile(np.array(header[:2], dtype=float), (count, 1)), np.full(count, header.orientation)
        return turn(boxes * (scale * 2), orientations, sizes).round(DIGITS)

    new = moved(entry, turned(np.array([entry["bbox"]], dtype=float))[0].tolist())
    turn_other_shapes(new, turned)
    return new


def turn_other_shapes(entry: JsonObject, turn: Callable[[Floats], Floats]) -> None:
    """Turn what an annotation says of its picture besides the box, in place: earlier boxes, and polygons.

    Polygons that make no sense stay as they are.

    Args:
        entry: an annotation, changed.
        turn: turns boxes ``[N, 4]``, xywh.
    """
    for key in EARLIER_BOXES:
        if is_box(entry.get(key)):
            entry[key] = turn(np.array([entry[key]], dtype=float))[0].tolist()
    if polygons := polygons_of(entry.get("segmentation")):
        entry["segmentation"] = [_turned_polygon(polygon, turn) for polygon in polygons]


def _turned_polygon(polygon: list[float], turn: Callable[[Floats], Floats]) -> list[float]:
    points = np.array(polygon, dtype=float).reshape(-1, 2)
    numbers: list[float] = turn(np.concatenate([points, np.zeros_like(points)], axis=1))[:, :2].reshape(-1).tolist()
    return numbers
