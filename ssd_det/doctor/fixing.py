"""Writing what the doctor mended into the content of a file; everything else stays as it is."""

import math
from typing import Any

import numpy as np

from ssd_det.annotations.entries import moved
from ssd_det.annotations.values import is_box
from ssd_det.doctor.box_faults import DIGITS
from ssd_det.doctor.columns import Entry, Integers, Tables, rows
from ssd_det.doctor.entry_faults import EARLIER_BOXES, FLAGS, NUMBER_OF_TEXT
from ssd_det.doctor.image_faults import turned_boxes
from ssd_det.doctor.shape_faults import polygons_of


def mended(content: dict[str, Any], tables: Tables) -> dict[str, Any]:
    """Copy the content of a file with the changes that its tables hold.

    Args:
        content: as it was read; not changed.
        tables: of it, after all faults were looked for.
    """
    images = list(content["images"])
    for place in _changed_images(tables).tolist():
        images[place] = _mended_image(tables, place)
    annotations = list(content["annotations"])
    changed = _changed_annotations(tables)
    turns = zip(tables.turns[changed].tolist(), tables.box_limits[changed].tolist(), strict=True)
    for place, (orientation, size) in zip(changed.tolist(), turns, strict=True):
        annotations[place] = _mended_annotation(tables, place)
        if orientation > 1:
            _turn(annotations[place], orientation, size)
    if not tables.kept.all():
        annotations = [entry for entry, kept in zip(annotations, tables.kept.tolist(), strict=True) if kept]
    return {**content, "images": images, "annotations": annotations}


def _changed_images(tables: Tables) -> Integers:
    entries = tables.entries["images"]
    sizes = [_size_of(tables, place) is not None for place in range(len(entries))]
    pairs = zip(tables.file_name, entries, strict=True)
    names = [name is not None and name != entry["file_name"] for name, entry in pairs]
    return np.flatnonzero(np.array(names, dtype=bool) | np.array(sizes, dtype=bool))


def _size_of(tables: Tables, place: int) -> tuple[int, int] | None:
    """The size that an image is to have, if it is another than it has."""
    entry = tables.entries["images"][place]
    width, height = tables.size[place].tolist()
    if math.isnan(width) or (width, height) == (entry["width"], entry["height"]):
        return None
    return int(width), int(height)


def _mended_image(tables: Tables, place: int) -> Entry:
    entry = dict(tables.entries["images"][place])
    if tables.file_name[place] is not None:
        entry["file_name"] = tables.file_name[place]
    if (size := _size_of(tables, place)) is not None:
        entry["width"], entry["height"] = size
    return entry


def _changed_annotations(tables: Tables) -> Integers:
    entries = tables.entries["annotations"]
    boxes = rows(np.isfinite(tables.box)) & ~rows(tables.box == tables.written)
    flags = np.array([any(isinstance(entry.get(key), str) for key in FLAGS) for entry in entries], dtype=bool)
    ids = tables.ids["annotations"] != tables.written_ids
    return np.flatnonzero((boxes | flags | (tables.turns > 1) | ids | np.isfinite(tables.area)) & tables.kept)


def _mended_annotation(tables: Tables, place: int) -> Entry:
    entry = tables.entries["annotations"][place]
    box = tables.box[place]
    if np.isfinite(box).all() and (box != tables.written[place]).any():
        new = moved(entry, [_like(old, value) for old, value in zip(entry["bbox"], box.tolist(), strict=True)])
    else:
        new = dict(entry)
    if np.isfinite(tables.area[place]):
        new["area"] = round(float(tables.area[place]), DIGITS)
    if tables.ids["annotations"][place] != tables.written_ids[place]:
        new["id"] = int(tables.ids["annotations"][place])
    for key in FLAGS:
        if isinstance(new.get(key), str) and new[key].lower() in NUMBER_OF_TEXT:
            new[key] = NUMBER_OF_TEXT[new[key].lower()]
    return new


def _turn(entry: Entry, orientation: int, size: list[float]) -> None:
    """Turn what lies in the picture beside the box: earlier boxes and polygons."""
    for key in EARLIER_BOXES:
        if is_box(entry.get(key)):
            entry[key] = _turned(entry[key], orientation, size)
    if isinstance(entry.get("segmentation"), list):
        polygons = polygons_of(entry["segmentation"]) or ()
        entry["segmentation"] = [_turned_polygon(p, orientation, size) for p in polygons] or entry["segmentation"]


def _turned_polygon(polygon: list[float], orientation: int, size: list[float]) -> list[float]:
    points = np.array(polygon, dtype=float).reshape(-1, 2)
    boxes = np.concatenate([points, np.zeros_like(points)], axis=1)
    count = len(points)
    turned = turned_boxes(boxes, np.full(count, orientation), np.tile(size, (count, 1)))
    numbers: list[float] = turned[:, :2].reshape(-1).tolist()
    return numbers


def _turned(box: list[float], orientation: int, size: list[float]) -> list[float]:
    turned = turned_boxes(np.array([box], dtype=float), np.array([orientation]), np.array([size]))
    numbers: list[float] = turned[0].tolist()
    return numbers


def _like(old: float, value: float) -> float:
    """A number as the file has them: the old one where it is equal, and whole numbers where it had one."""
    if value == old:
        return old
    return int(value) if isinstance(old, int) and value.is_integer() else value
