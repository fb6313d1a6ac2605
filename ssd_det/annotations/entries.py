"""Changing annotations as they stand in the file: only what is meant to change does."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import overload

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import AREA_TOLERANCE, is_number

REFINED_FROM = "refined_from"  # the box that refining started from, where another one stands under original_bbox
EARLIER_BOXES = ("true_bbox", "original_bbox", REFINED_FROM)
COORDINATE_DIGITS = 3  # of boxes that are written, in pixels
REFINING_KEYS = ("original_bbox", "original_area", REFINED_FROM, "refine_score", "refine_iou", "trusted", "untrusted")


def moved(entry: JsonObject, bbox: Sequence[float]) -> JsonObject:
    """Copy an annotation with another box; ``area`` follows only where it was width times height.

    Args:
        entry: an annotation as it stands in the file; not changed.
        bbox: the new box, xywh in pixels.

    Returns:
        The copy, with the keys in their old order.
    """
    result = dict(entry)
    area = entry.get("area")
    if is_number(area) and math.isclose(area, entry["bbox"][2] * entry["bbox"][3], rel_tol=AREA_TOLERANCE):
        result["area"] = bbox[2] * bbox[3]
    result["bbox"] = list(bbox)
    return result


def restored(entry: JsonObject) -> JsonObject:
    """Copy a refined annotation as it was before refining, with the keys in their old order.

    Args:
        entry: an annotation as it stands in the file, with an ``original_bbox``; not changed.
    """
    result = {key: value for key, value in entry.items() if key not in REFINING_KEYS}
    if "original_area" in entry:
        result["area"] = entry["original_area"]
    elif is_number(entry.get("area")) and entry["area"] == entry["bbox"][2] * entry["bbox"][3]:
        result["area"] = entry["original_bbox"][2] * entry["original_bbox"][3]
    result["bbox"] = entry["original_bbox"]
    return result


class ChangedEntries(Sequence[JsonObject]):
    """Annotations of which some are changed, each when it is asked for: copies of millions would fill the memory.

    Args:
        entries: as they stand in the file; not changed.
        change: gives the new entry at a position, or ``None`` for one that stays.
    """

    def __init__(self, entries: Sequence[JsonObject], change: Callable[[int], JsonObject | None]) -> None:
        self.entries = entries
        self.change = change

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> JsonObject: ...
    @overload
    def __getitem__(self, index: slice) -> list[JsonObject]: ...
    def __getitem__(self, index: int | slice) -> JsonObject | list[JsonObject]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = range(len(self))[index]
        changed = self.change(position)
        return self.entries[position] if changed is None else changed


def with_new_box(entry: JsonObject, bbox: Sequence[float], **more: object) -> JsonObject:
    """Copy an annotation with a better box; its own is kept, so that :func:`restored` finds it.

    Args:
        entry: an annotation as it stands in the file; not changed.
        bbox: the new box, xywh in pixels.
        more: what else is to be said of it, by key.
    """
    result = moved(entry, bbox)
    keep_box(result, "original_bbox", entry["bbox"])
    result |= more
    if entry.get("original_bbox") is None and "area" in entry:
        keep_area(result, entry["area"])
    return result


def with_annotations(coco: CocoFile, entries: Mapping[int, JsonObject]) -> JsonObject:
    """Copy the content of a file with some annotations replaced.

    Args:
        coco: the file; its content is not changed.
        entries: the new annotations, by their position in the file's list.
    """
    annotations = [entries.get(index, entry) for index, entry in enumerate(coco.content["annotations"])]
    return {key: annotations if key == "annotations" else value for key, value in coco.content.items()}


def keep_box(entry: JsonObject, key: str, bbox: Sequence[float]) -> None:
    """Put a box under a key, unless there already is one."""
    if entry.get(key) is None:
        entry[key] = bbox


def keep_area(entry: JsonObject, area: object) -> None:
    """Put the area before refining into a refined annotation, unless :func:`restored` finds it to the digit."""
    if json.dumps(restored(entry)["area"]) != json.dumps(area):
        entry["original_area"] = area
