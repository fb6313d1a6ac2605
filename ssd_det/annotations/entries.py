"""Changing annotations as they stand in the file: nothing changes but what is meant to."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.values import is_number

REFINING_KEYS = ("original_bbox", "original_area", "refine_score", "refine_iou")
AREA_TOLERANCE = 1e-4  # relative; files round their areas


def moved(entry: Mapping[str, Any], bbox: Sequence[float]) -> dict[str, Any]:
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


def restored(entry: Mapping[str, Any]) -> dict[str, Any]:
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


def with_annotations(coco: CocoFile, entries: Mapping[int, Mapping[str, Any]]) -> dict[str, Any]:
    """Copy the content of a file with some annotations replaced.

    Args:
        coco: the file; its content is not changed.
        entries: the new annotations, by their position in the file's list.
    """
    annotations = [entries.get(index, entry) for index, entry in enumerate(coco.content["annotations"])]
    return {key: annotations if key == "annotations" else value for key, value in coco.content.items()}


def keep_box(entry: dict[str, Any], key: str, bbox: Sequence[float]) -> None:
    """Note a box under a key, unless one is there already."""
    if entry.get(key) is None:
        entry[key] = bbox


def keep_area(entry: dict[str, Any], area: object) -> None:
    """Note the area before refining in a refined annotation, unless :func:`restored` finds it to the digit."""
    if json.dumps(restored(entry)["area"]) != json.dumps(area):
        entry["original_area"] = area
