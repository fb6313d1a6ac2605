"""Writing what the doctor fixed into the content of a file; everything else stays as it is."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ssd_det.annotations.edits.turned import turn_other_shapes
from ssd_det.annotations.entries import changed_entries, chosen_entries, moved, one_by_one
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.rotation import rotation_of, without_rotation
from ssd_det.annotations.values import is_box
from ssd_det.doctor.annotation_table import FLAG_OF_TEXT, FLAGS, AnnotationTable, changed_table
from ssd_det.doctor.arrays import Booleans, Integers
from ssd_det.doctor.box_faults import DIGITS
from ssd_det.doctor.columns import REFERENCES, Columns, ListName, all_in_row
from ssd_det.doctor.entry_faults import written_name
from ssd_det.doctor.entry_ids import NO_ID
from ssd_det.ops.exif_turns import Floats, turned_boxes


def apply_fixes(content: JsonObject, columns: Columns) -> tuple[JsonObject, AnnotationTable]:
    """Copy the content of a file with the changes that its columns hold.

    Args:
        content: as it was read; not changed.
        columns: of it, after all faults were looked for.

    Returns:
        The new content, and its annotations as a table.
    """
    images = list(content["images"])
    for index in _changed_images(columns).tolist():
        images[index] = _fixed_image(columns, index)
    images = [entry for entry, kept in zip(images, columns.kept_images.tolist(), strict=True) if kept]
    changes = dict(_fixed_annotations(columns))
    annotations: Sequence[JsonObject] = changed_entries(content["annotations"], one_by_one(changes.get))
    if not columns.kept.all():
        annotations = chosen_entries(annotations, np.flatnonzero(columns.kept))
    categories = list(content["categories"])
    for index in _changed_categories(columns).tolist():
        categories[index] = _fixed_category(columns, index)
    fixed = {**content, "images": images, "annotations": annotations, "categories": categories}
    return fixed, changed_table(columns.table, changes, columns.kept)


def _changed_images(columns: Columns) -> Integers:
    entries = columns.entries["images"]
    sizes = [_new_size(columns, index) is not None for index in range(len(entries))]
    pairs = zip(columns.file_names, entries, strict=True)
    names = [name is not None and name != entry["file_name"] for name, entry in pairs]
    return np.flatnonzero(np.array(names, dtype=bool) | np.array(sizes, dtype=bool) | _new_ids(columns, "images"))


def _changed_categories(columns: Columns) -> Integers:
    entries = columns.entries["categories"]
    names = np.array([written_name(entry.get("name")) is not None for entry in entries], dtype=bool)
    return np.flatnonzero(names | _new_ids(columns, "categories"))


def _new_ids(columns: Columns, list_name: ListName) -> Booleans:
    return np.asarray(columns.ids[list_name] != columns.file_ids[list_name])


def _new_size(columns: Columns, index: int) -> tuple[int, int] | None:
    """Width and height to write for an image, ``None`` where they stay."""
    entry = columns.entries["images"][index]
    width, height = columns.image_size[index].tolist()
    if math.isnan(width) or (width, height) == (entry.get("width"), entry.get("height")):
        return None
    return int(width), int(height)


def _fixed_image(columns: Columns, index: int) -> JsonObject:
    entry = dict(columns.entries["images"][index])
    if columns.file_names[index] is not None:
        entry["file_name"] = columns.file_names[index]
    if (size := _new_size(columns, index)) is not None:
        entry["width"], entry["height"] = size
    _renumber(entry, columns, "images", index)
    return entry


def _fixed_category(columns: Columns, index: int) -> JsonObject:
    entry = dict(columns.entries["categories"][index])
    if (name := written_name(entry.get("name"))) is not None:
        entry["name"] = name
    _renumber(entry, columns, "categories", index)
    return entry


def _renumber(entry: JsonObject, columns: Columns, list_name: ListName, index: int) -> None:
    if columns.ids[list_name][index] != columns.file_ids[list_name][index]:
        entry["id"] = int(columns.ids[list_name][index])


def _changed_annotations(columns: Columns) -> Integers:
    boxes = all_in_row(np.isfinite(columns.box)) & ~all_in_row(columns.box == columns.file_box)
    changed = (
        boxes | columns.table.has_text_flag | (columns.turns > 1) | np.isfinite(columns.new_area) | columns.rotated
    )
    changed |= _new_ids(columns, "annotations")
    for key, references in _references(columns).items():
        changed |= (references != columns.file_references[key]) & (references != NO_ID)
    return np.flatnonzero(changed & columns.kept)


def _references(columns: Columns) -> dict[str, Integers]:
    """``[N]``, the ids that the annotations refer to, by key; ``NO_ID`` where there is no such entry."""
    image_ids, category_ids = (np.append(columns.ids[name], NO_ID) for name in ("images", "categories"))
    ids = image_ids[columns.image_index], category_ids[columns.category_index]  # NOT_FOUND takes the last one
    return dict(zip(REFERENCES, ids, strict=True))


def _fixed_annotations(columns: Columns) -> Iterator[tuple[int, JsonObject]]:
    """The annotations that change, with their indices in the file's list."""
    changed = _changed_annotations(columns)
    references = {key: ids.tolist() for key, ids in _references(columns).items()}
    turns = zip(columns.turns[changed].tolist(), columns.box_limits[changed].tolist(), strict=True)
    for index, (orientation, size) in zip(changed.tolist(), turns, strict=True):
        fixed = _fixed_annotation(columns, index)
        for key, ids in references.items():
            if ids[index] not in (NO_ID, columns.file_references[key][index]):
                fixed[key] = ids[index]
        if orientation > 1:
            _turn(fixed, orientation, size)
        yield index, fixed


def _fixed_annotation(columns: Columns, index: int) -> JsonObject:
    entry = columns.entries["annotations"][index]
    box = columns.box[index]
    fixed = dict(entry)
    if np.isfinite(box).all() and (box != columns.file_box[index]).any():
        if is_box(entry.get("bbox")):
            fixed = moved(entry, [_like(old, value) for old, value in zip(entry["bbox"], box.tolist(), strict=True)])
        else:
            fixed["bbox"] = [_like(0, value) for value in box.tolist()]
    rotation = rotation_of(entry)
    if rotation is not None and is_box(entry.get("bbox")):
        fixed = without_rotation(fixed, rotation, entry["bbox"])
    if np.isfinite(columns.new_area[index]):
        fixed["area"] = round(float(columns.new_area[index]), DIGITS)
    _renumber(fixed, columns, "annotations", index)
    for key in FLAGS:
        if isinstance(fixed.get(key), str) and fixed[key].lower() in FLAG_OF_TEXT:
            fixed[key] = FLAG_OF_TEXT[fixed[key].lower()]
    return fixed


def _turn(entry: JsonObject, orientation: int, size: list[float]) -> None:
    """Turn what lies in the picture besides the box, which is turned already."""

    def turn(boxes: Floats) -> Floats:
        return turned_boxes(boxes, np.full(len(boxes), orientation), np.tile(size, (len(boxes), 1)))

    turn_other_shapes(entry, turn)


def _like(old: float, value: float) -> float:
    """A number in the style of the file: the old one where it is equal, and a whole number where it had one."""
    if value == old:
        return old
    return int(value) if isinstance(old, int) and value.is_integer() else value
