"""Correcting what all boxes of a file share, and putting trusted boxes in."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.entries import COORDINATE_DIGITS, REFINED_FROM, with_annotations, with_new_box
from ssd_det.annotations.image_sizes import image_sizes
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.offsets_record import KEY as OFFSETS
from ssd_det.annotations.offsets_record import SHAPE, Measured, OffsetsRecord, offsets_of
from ssd_det.annotations.trusted import check_trusted_box
from ssd_det.annotations.untrusted import KEY as UNTRUSTED
from ssd_det.annotations.untrusted import Untrusted
from ssd_det.memory import collection_paused
from ssd_det.ops.box_arrays import Floats, corners
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.shared_offsets import LEAST_BOXES, SharedOffsets, corrected, measure_offsets, measure_shape

FOLDS = 10  # of trusted boxes, each corrected by what the others show
DIGITS = 4
SIDES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Correction:
    """What was corrected in a file.

    Attributes:
        offsets: of the sides of boxes, a row for each category in the order of their ids.
        categories: their names.
        taught: how many trusted boxes the offsets were measured on.
        trusted: how many boxes are trusted.
        corrected: how many others were moved.
        passed_through: how many are as they were, by reason.
        record: what the file keeps of the offsets; ``None`` where there are none.
    """

    offsets: SharedOffsets
    categories: tuple[str, ...]
    taught: int
    trusted: int
    corrected: int
    passed_through: dict[str, int]
    record: OffsetsRecord | None


@collection_paused()
def corrected_content(coco: CocoFile, trusted: Mapping[int, Xywh]) -> tuple[JsonObject, Correction]:
    """Copy the content of a file with trusted boxes in it, and all others without what these show to be shared.

    A trusted annotation gets its box and ``trusted``, another one is moved by the offsets of its category that are
    certain. Each that gets a box keeps its own as ``original_bbox``, unless it has one already. What was found stays in
    the file as ``shared_offsets``, and what each trusted annotation would be, corrected by what the other trusted ones
    show, stays with it as ``untrusted``.

    Args:
        coco: the file; its content is not changed. Annotations that are trusted in it stay as they are, and those of
            them that have an ``original_bbox`` are measured as well, unless other annotations have one: boxes that were
            moved before tell nothing of those that were not.
        trusted: boxes xywh, by annotation id.

    Raises:
        InputError: if a box that is trusted in the file cannot be, as one without an area in its image.
    """
    for annotation in coco.annotations:
        if annotation.trusted and annotation.id not in trusted:
            check_trusted_box(coco, annotation)
    pairs = _pairs(coco, trusted)
    offsets = pairs.offsets()
    row_of = _row_of(coco)
    certain = offsets.certain
    passed: Counter[str] = Counter()
    chosen: list[Annotation] = []
    entries: dict[int, JsonObject] = {}
    for annotation in coco.annotations:
        if annotation.id in trusted:
            entries[annotation.position] = {**_with_box(coco, annotation, trusted[annotation.id]), "trusted": True}
            continue
        reason = coco.why_unusable(annotation) or coco.why_fixed(annotation)
        if reason is None and not certain[row_of[annotation.category_id]].any():
            reason = "nothing to correct"
        if reason:
            passed[reason] += 1
        else:
            chosen.append(annotation)
    rows = [row_of[annotation.category_id] for annotation in chosen]
    boxes = corrected(corners([a.bbox for a in chosen]), certain[rows].reshape(-1, 4), image_sizes(coco, chosen))
    for annotation, box in zip(chosen, _rounded(boxes), strict=True):
        entries[annotation.position] = _with_box(coco, annotation, box)
    for annotation, box in zip(pairs.annotations, _rounded(pairs.corrected_unseen()), strict=True):
        entry = entries.get(annotation.position, coco.entry(annotation))
        entries[annotation.position] = {**entry, UNTRUSTED: Untrusted(box).to_json()}
    flagged = sum(annotation.trusted and annotation.id not in trusted for annotation in coco.annotations)
    names = tuple(category.name for category in coco.categories)
    content = with_annotations(coco, entries)
    if len(pairs.annotations) >= LEAST_BOXES:
        content[OFFSETS] = pairs.record(offsets, names).to_json()
    correction = Correction(
        offsets, names, len(pairs.annotations), len(trusted) + flagged, len(chosen), dict(passed), offsets_of(content)
    )
    return content, correction


@dataclass(frozen=True)
class _Pairs:
    """Noisy and trusted boxes of the same objects, a row for each.

    Attributes:
        annotations: of them.
        noisy: ``[N, 4]``, xyxy in pixels.
        trusted: ``[N, 4]``, xyxy in pixels.
        image_sizes: ``[N, 2]``, (height, width).
        categories: ``[N]``, rows of the categories.
        count: of categories.
    """

    annotations: list[Annotation]
    noisy: Floats
    trusted: Floats
    image_sizes: Floats
    categories: npt.NDArray[np.int64]
    count: int

    def offsets(self, chosen: npt.NDArray[np.bool_] | slice = slice(None)) -> SharedOffsets:
        """What some of the rows show to be shared."""
        return measure_offsets(
            self.noisy[chosen], self.trusted[chosen], self.image_sizes[chosen], self.categories[chosen], self.count
        )

    def corrected_unseen(self) -> Floats:
        """The noisy boxes, each corrected by what the others show, xyxy ``[N, 4]``."""
        result = self.noisy.copy()
        fold = np.arange(len(result)) % FOLDS
        for own in (fold == number for number in range(min(FOLDS, len(result)))):
            moves = self.offsets(~own).certain[self.categories[own]].reshape(-1, 4)
            result[own] = corrected(self.noisy[own], moves, self.image_sizes[own])
        return result

    def record(self, offsets: SharedOffsets, names: Sequence[str]) -> OffsetsRecord:
        """What the file keeps of the offsets of all rows.

        Args:
            offsets: of all rows.
            names: of the categories.
        """
        shape = _known(SHAPE, *measure_shape(self.noisy, self.trusted, self.image_sizes))
        sides = {name: _known(SIDES, offsets.sides[row], offsets.margins[row]) for row, name in enumerate(names)}
        return OffsetsRecord(len(self.annotations), shape, sides)


def _known(names: Sequence[str], means: Floats, margins: Floats) -> dict[str, Measured]:
    """What could be measured, of what has these names, as it is written."""
    return {
        name: Measured(round(float(mean), DIGITS), round(float(margin), DIGITS))
        for name, mean, margin in zip(names, means, margins, strict=True)
        if np.isfinite(margin)
    }


def _pairs(coco: CocoFile, trusted: Mapping[int, Xywh]) -> _Pairs:
    """The trusted boxes of a file of which it is known what they were before."""
    teaching: list[tuple[Annotation, Xywh, Xywh]] = []
    untouched = all(annotation.original_bbox is None or annotation.trusted for annotation in coco.annotations)
    for annotation in coco.annotations:
        if annotation.trusted and not (untouched and annotation.original_bbox):
            continue  # what its box was before is not known, or was not what the others are
        if annotation.id in trusted:
            pair = (annotation.unrefined if annotation.trusted else annotation.bbox, trusted[annotation.id])
        elif annotation.trusted:
            pair = (annotation.unrefined, annotation.bbox)
        else:
            continue
        if coco.why_unusable(annotation._replace(bbox=pair[0])) is None:
            teaching.append((annotation, *pair))
    annotations = [annotation for annotation, _, _ in teaching]
    row_of = _row_of(coco)
    return _Pairs(
        annotations,
        corners([noisy for _, noisy, _ in teaching]),
        corners([true for _, _, true in teaching]),
        image_sizes(coco, annotations),
        np.array([row_of[annotation.category_id] for annotation in annotations], dtype=np.int64),
        len(coco.categories),
    )


def _row_of(coco: CocoFile) -> dict[int, int]:
    """The row of each category, by its id."""
    return {category.id: row for row, category in enumerate(coco.categories)}


def _rounded(boxes: Floats) -> list[Xywh]:
    """Boxes xyxy ``[N, 4]`` as they are written, xywh."""
    sides = np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)
    return [Xywh(tuple(box)) for box in sides.round(COORDINATE_DIGITS).tolist()]


def _with_box(coco: CocoFile, annotation: Annotation, box: Xywh) -> JsonObject:
    """A copy of an annotation with another box, which keeps its own."""
    new = with_new_box(coco.entry(annotation), box)
    for key in ("refine_iou", REFINED_FROM):  # of the box that was moved
        new.pop(key, None)
    return new
