"""Putting the decisions of a review into a refined annotation file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, cast

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.digests import digest
from ssd_det.annotations.entries import restored, with_annotations
from ssd_det.annotations.json_files import JsonObject, read_json
from ssd_det.annotations.values import first_of, shown
from ssd_det.errors import InputError

Decision = Literal["accept", "reject"]
DECISIONS = ("accept", "reject")
EXPORT_AGAIN = "export the decisions again from the page of the report"


def read_decisions(path: Path, coco: CocoFile) -> dict[int, Decision]:
    """Read what the page of a report exports.

    Args:
        path: a json file with ``sha256`` of the annotation file that was reviewed, and ``decisions``, ``accept`` or
            ``reject`` by annotation id.
        coco: the annotation file that they should apply to.

    Raises:
        InputError: if the file is not readable or has no decisions, was made on another annotation file, or names an
            annotation that does not exist or was not refined.
    """
    content = read_json(path, kind="json file that the page of a report exported")
    if not isinstance(content, dict) or not isinstance(content.get("decisions"), dict) or "sha256" not in content:
        raise InputError(f"{path}: holds no decisions of a review: {EXPORT_AGAIN}.")
    if content["sha256"] != digest(coco.path):
        raise InputError(
            f"{path}: was made on another file than {coco.path}, {shown(content.get('annotations'))} as it was then: "
            f"give that file, or review this one."
        )
    decisions: dict[str, object] = content["decisions"]
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


def reviewed_content(coco: CocoFile, decisions: Mapping[int, Decision]) -> JsonObject:
    """Copy the content of a refined file in which rejected annotations are as they were before refining.

    Args:
        coco: the refined file; its content is not changed.
        decisions: by annotation id; annotations without one count as accepted.
    """
    rejected = [annotation for annotation in coco.annotations if decisions.get(annotation.id) == "reject"]
    return with_annotations(coco, {annotation.position: restored(coco.entry(annotation)) for annotation in rejected})
