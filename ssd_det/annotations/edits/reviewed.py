"""Putting what a review has decided into the annotation file that was reviewed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import LISTS, CocoFile, parse_coco
from ssd_det.annotations.digests import digest
from ssd_det.annotations.entries import COORDINATE_DIGITS, keep_box, restored, with_annotations, with_new_box
from ssd_det.annotations.json_files import JsonObject, read_json
from ssd_det.annotations.values import first_of, shown
from ssd_det.errors import InputError

Decision = Literal["accept", "reject"]
DECISIONS = ("accept", "reject")
VERSION = 2  # of what the page exports; 1 had no boxes, and the name of the file under "annotations"
REFINER_KEYS = ("refine_score", "refine_iou")  # what refining says of its own box
EXPORT_AGAIN = "export the decisions again from the page of the report"


@dataclass(frozen=True)
class Review:
    """What was decided about an annotation file.

    Attributes:
        decisions: on refined boxes, by annotation id.
        trusted: boxes that a person has corrected or found right, xywh in pixels, by annotation id; where they are as
            in the file, in its very numbers. None of these annotations is among the decisions.
    """

    decisions: Mapping[int, Decision]
    trusted: Mapping[int, Sequence[float]]


def read_review(path: Path, coco: CocoFile) -> Review:
    """Read what the page of a report exports.

    Args:
        path: a json file with ``sha256`` of the annotation file that was reviewed, and ``decisions``, ``accept`` or
            ``reject`` by annotation id. From version 2 on it is a COCO file with the trusted boxes as well.
        coco: the annotation file that they should apply to.

    Raises:
        InputError: if the file is not readable or has no decisions, was made on another annotation file, names an
            annotation that does not exist or was not refined, or has a box that cannot be trusted.
    """
    content = read_json(path, kind="json file that the page of a report exported")
    if not isinstance(content, dict) or not isinstance(content.get("decisions"), dict) or "sha256" not in content:
        raise InputError(f"{path}: holds no decisions of a review: {EXPORT_AGAIN}.")
    version = content.get("version", 1)
    if version not in range(1, VERSION + 1):
        raise InputError(f"{path}: has version {shown(version)}, but 1 to {VERSION} are known: update ssd-det.")
    has_boxes = version == VERSION
    if has_boxes and not all(isinstance(content.get(key), list) for key in LISTS):
        raise InputError(f"{path}: holds no lists of {', '.join(LISTS)}: {EXPORT_AGAIN}.")
    if content["sha256"] != digest(coco.path):
        name = content.get("file" if has_boxes else "annotations")
        raise InputError(
            f"{path}: was made on another file than {coco.path}, {shown(name)} as it was then: "
            f"give that file, or review this one."
        )
    decisions = _decisions(path, content["decisions"], coco)
    trusted = _trusted(path, content, coco) if has_boxes and content["annotations"] else {}
    if both := [key for key in trusted if key in decisions]:
        raise InputError(f"{path}: annotation {first_of(both)}: has a decision and a trusted box: remove one of them.")
    return Review(decisions, trusted)


def reviewed_content(coco: CocoFile, review: Review) -> JsonObject:
    """Copy the content of a file as it was reviewed.

    Rejected annotations are as they were before refining. Trusted ones have their box and ``trusted``, and the box
    before as ``original_bbox``, unless there already is one.

    Args:
        coco: the file; its content is not changed.
        review: of it; annotations that it does not name count as accepted.
    """
    entries = {}
    for annotation in coco.annotations:
        entry = coco.entry(annotation)
        if annotation.id in review.trusted:
            entries[annotation.position] = _with_trusted_box(entry, review.trusted[annotation.id])
        elif review.decisions.get(annotation.id) == "reject":
            entries[annotation.position] = restored(entry)
    return with_annotations(coco, entries)


def _decisions(path: Path, decisions: dict[str, object], coco: CocoFile) -> dict[int, Decision]:
    """Decisions by annotation id; raises InputError for those that cannot be."""
    for key, decision in decisions.items():
        if decision not in DECISIONS:
            raise InputError(
                f"{path}: annotation {shown(key)}: the decision is {shown([decision])[1:-1]}: write accept or reject."
            )
    by_id = {str(annotation.id): annotation for annotation in coco.annotations}
    if unknown := [key for key in decisions if key not in by_id]:
        raise InputError(f"{path}: annotation {first_of(map(shown, unknown))}: not in {coco.path}: {EXPORT_AGAIN}.")
    if unrefined := [key for key in decisions if by_id[key].original_bbox is None]:
        raise InputError(
            f"{path}: annotation {first_of(map(shown, unrefined))}: was not refined, in {coco.path}: {EXPORT_AGAIN}."
        )
    return {by_id[key].id: cast("Decision", decision) for key, decision in decisions.items()}


def _trusted(path: Path, content: JsonObject, coco: CocoFile) -> dict[int, Sequence[float]]:
    """Trusted boxes by annotation id; raises InputError for those that cannot be."""
    boxes = parse_coco(path, content)
    by_id = {annotation.id: annotation for annotation in coco.annotations}
    trusted = {}
    for box in boxes.annotations:
        where = f"{path}: annotation {box.id}"
        if box.id not in by_id:
            raise InputError(f"{where}: not in {coco.path}: {EXPORT_AGAIN}.")
        own = by_id[box.id]
        names = [file.image_by_id[entry.image_id].file_name for file, entry in ((boxes, box), (coco, own))]
        if names[0] != names[1]:
            raise InputError(f"{where}: is of the image {names[0]}, but in {coco.path} of {names[1]}: correct the id.")
        if reason := coco.why_unusable(own._replace(bbox=box.bbox)):
            raise InputError(f"{where}: its box cannot be trusted ({reason}): correct or remove it.")
        trusted[box.id] = _in_numbers_of_file(coco.entry(own), boxes.entry(box)["bbox"], own)
    return trusted


def _in_numbers_of_file(entry: JsonObject, box: Sequence[float], annotation: Annotation) -> Sequence[float]:
    """A box in which sides that a person left alone have the numbers of the file, of which the page shows three digits.

    Args:
        entry: the annotation as it stands in the file.
        box: xywh in pixels, as the page has it.
        annotation: the same as ``entry``.
    """
    if annotation.original_bbox and _rounded(annotation.original_bbox) == _rounded(box) != _rounded(annotation.bbox):
        original: list[float] = entry["original_bbox"]
        return original  # rejected, and then found right
    return [own if round(own, COORDINATE_DIGITS) == new else new for own, new in zip(entry["bbox"], box, strict=True)]


def _rounded(box: Sequence[float]) -> list[float]:
    return [round(value, COORDINATE_DIGITS) for value in box]


def _with_trusted_box(entry: JsonObject, box: Sequence[float]) -> JsonObject:
    """Copy an annotation with a trusted box."""
    if list(box) != entry["bbox"]:
        new = with_new_box(entry, box, trusted=True)
        return {key: value for key, value in new.items() if key not in REFINER_KEYS}
    same = dict(entry)
    keep_box(same, "original_bbox", entry["bbox"])  # that the box was right teaches as well
    return same | {"trusted": True}
