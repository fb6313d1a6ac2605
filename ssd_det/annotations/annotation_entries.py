"""The annotations of a file, checked: many at once where all of these are regular, else one by one."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import ColumnsInPieces
from ssd_det.annotations.entries_on_demand import PIECE, EntriesOnDemand
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.regular_entries import fields_of_regular
from ssd_det.annotations.rotation import rotation_of
from ssd_det.annotations.values import box_of, integer_of, is_set, optional_box, shown
from ssd_det.console import LONG, bar
from ssd_det.errors import InputError


def read_entries(path: Path, entries: Sequence[JsonObject]) -> tuple[Sequence[Annotation], InputError | None]:
    """Read the annotations of a file.

    Returns:
        The annotations, as columns where the entries are made on demand; and the first fault of one, to be said after
        those of what they refer to.

    Raises:
        InputError: if one is not an object.
    """
    annotations: list[Annotation] = []
    columns = ColumnsInPieces(len(entries)) if isinstance(entries, EntriesOnDemand) else None
    fault: InputError | None = None
    for start in bar(range(0, len(entries), PIECE), "annotations", long=LONG // PIECE):
        fields = fields_of_regular(entries, start, start + PIECE)
        if fields is None:
            piece = entries[start : start + PIECE]
            check_objects(path, "annotations", piece, start)
            try:
                parsed = [_annotation(path, index, entry) for index, entry in enumerate(piece, start)]
            except InputError as error:
                fault = fault or error
                continue
            fields = list(zip(*parsed, strict=True))
        if columns is not None:
            columns.add(fields)
        else:
            annotations += map(Annotation._make, zip(*fields, strict=True))
    return annotations if columns is None else columns.whole(), fault


def check_objects(path: Path, key: str, entries: Iterable[object], start: int = 0) -> None:
    """Make sure that entries of a list are objects.

    Args:
        path: of the file.
        key: of the list.
        entries: those to look at.
        start: the position of the first.

    Raises:
        InputError: if one is none.
    """
    for index, entry in enumerate(entries, start):
        if not isinstance(entry, dict):
            raise InputError(f"{path}: {key}[{index}] is {shown(entry)}: give an object with an id.")


def _annotation(path: Path, index: int, entry: JsonObject) -> Annotation:
    annotation_id = integer_of(f"{path}: annotations[{index}]", entry, "id")
    where = f"{path}: annotation {annotation_id}"
    return Annotation(
        id=annotation_id,
        image_id=integer_of(where, entry, "image_id"),
        category_id=integer_of(where, entry, "category_id"),
        bbox=box_of(where, "bbox", entry.get("bbox")),
        crowd=is_set(entry.get("iscrowd")),
        difficult=is_set(entry.get("difficult")),
        true_bbox=optional_box(where, "true_bbox", entry),
        original_bbox=optional_box(where, "original_bbox", entry),
        rotated=rotation_of(entry) is not None,
        trusted=entry.get("trusted") is True,
        position=index,
    )
