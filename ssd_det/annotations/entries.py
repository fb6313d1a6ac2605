"""Changing annotations as they stand in the file: only what is meant to change does."""

import json
import math
from collections.abc import Callable, Mapping, Sequence, Set
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.entries_on_demand import EntriesOnDemand
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


class ChangedEntries(EntriesOnDemand[Any]):
    """Annotations of which some are changed.

    Args:
        entries: as they stand in the file; not changed.
        change: gives the new entries for the position of a first one and the entries from there on, of which it returns
            those themselves that stay.
    """

    def __init__(self, entries: Sequence[Any], change: Callable[[int, list[Any]], list[Any]]) -> None:
        self._entries = entries
        self._change = change

    def __len__(self) -> int:
        return len(self._entries)

    def made(self, positions: slice) -> list[Any]:
        """Entries, changed where they are to be."""
        return self._change(positions.start, list(self._entries[positions]))


class ChosenEntries(EntriesOnDemand[Any]):
    """Some of the annotations of a file.

    Args:
        entries: as they stand in the file.
        chosen: their positions there.
    """

    def __init__(self, entries: Sequence[Any], chosen: npt.NDArray[np.int64]) -> None:
        self._entries = entries
        self._chosen = chosen

    def __len__(self) -> int:
        return len(self._chosen)

    def made(self, positions: slice) -> list[Any]:
        """Entries that are chosen, from all between the first and the last: many at once are parsed faster."""
        chosen = self._chosen[positions].tolist()
        first = min(chosen, default=0)
        piece = self._entries[first : max(chosen, default=-1) + 1]
        return [piece[position - first] for position in chosen]


def changed_entries(entries: Sequence[Any], change: Callable[[int, list[Any]], list[Any]]) -> Sequence[Any]:
    """Annotations of which some are changed, on demand where those of the file are; see :class:`ChangedEntries`."""
    return _as_before(entries, ChangedEntries(entries, change))


def one_by_one(change: Callable[[int, Any], Any]) -> Callable[[int, list[Any]], list[Any]]:
    """What changes many entries, from what gives the new entry for a position and the entry there."""
    return lambda first, entries: list(map(change, count(first), entries))


def chosen_entries(entries: Sequence[Any], chosen: npt.NDArray[np.int64]) -> Sequence[Any]:
    """Some of the annotations of a file, on demand where those of the file are; see :class:`ChosenEntries`."""
    return _as_before(entries, ChosenEntries(entries, chosen))


def _as_before(entries: Sequence[Any], new: EntriesOnDemand[Any]) -> Sequence[Any]:
    return new if isinstance(entries, EntriesOnDemand) else list(new)


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


def entries_of(coco: CocoFile, image_ids: Set[int]) -> Sequence[JsonObject]:
    """The annotations of some images of a file."""
    positions = [annotation.position for annotation in coco.annotations if annotation.image_id in image_ids]
    return chosen_entries(coco.content["annotations"], np.array(positions, dtype=np.int64))


def with_annotations(coco: CocoFile, entries: Mapping[int, JsonObject]) -> JsonObject:
    """Copy the content of a file with some annotations replaced.

    Args:
        coco: the file; its content is not changed.
        entries: the new annotations, by their position in the file's list.
    """
    return with_changes(coco, one_by_one(entries.get))  # which gives the file's where there is no new one


def with_changes(coco: CocoFile, change: Callable[[int, list[JsonObject]], list[JsonObject]]) -> JsonObject:
    """Copy the content of a file with some annotations changed, see :func:`changed_entries`."""
    return {**coco.content, "annotations": changed_entries(coco.content["annotations"], change)}


def keep_box(entry: JsonObject, key: str, bbox: Sequence[float]) -> None:
    """Put a box under a key, unless there already is one."""
    if entry.get(key) is None:
        entry[key] = bbox


def keep_area(entry: JsonObject, area: object) -> None:
    """Put the area before refining into a refined annotation, unless :func:`restored` finds it to the digit."""
    if json.dumps(restored(entry)["area"]) != json.dumps(area):
        entry["original_area"] = area
