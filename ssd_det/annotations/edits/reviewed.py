"""Putting the decisions of a review into a refined annotation file."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.entries import restored, with_annotations
from ssd_det.annotations.json_files import read_json
from ssd_det.annotations.values import first_of, shown
from ssd_det.errors import InputError

Decision = Literal["accept", "reject"]
DECISIONS = ("accept", "reject")
MEND = "export the decisions once more from the page of the report"


def digest(path: Path) -> str:
    """SHA-256 of a file, which tells which file decisions were made on."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_decisions(path: Path, coco: CocoFile) -> dict[int, Decision]:
    """Read what the page of a report exports.

    Args:
        path: a json file with ``sha256`` of the annotation file that was looked at, and ``decisions``, ``accept`` or
            ``reject`` by annotation id.
        coco: the annotation file that they are meant for.

    Raises:
        InputError: if the file is not readable or not such a file, was made on another annotation file, or names an
            annotation that is not there or was not refined.
    """
    content = read_json(path, kind="json file that the page of a report exported")
    if not isinstance(content, dict) or not isinstance(content.get("decisions"), dict) or "sha256" not in content:
        raise InputError(f"{path}: holds no decisions of a review: {MEND}.")
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
    known = {str(annotation.id): annotation for annotation in coco.annotations}
    if unknown := [key for key in decisions if key not in known]:
        raise InputError(f"{path}: annotation {first_of(map(shown, unknown))}: not in {coco.path}: {MEND}.")
    if kept := [key for key in decisions if known[key].original_bbox is None]:
        raise InputError(f"{path}: annotation {first_of(map(shown, kept))}: was not refined, in {coco.path}: {MEND}.")
    return {known[key].id: cast("Decision", decision) for key, decision in decisions.items()}


def reviewed_content(coco: CocoFile, decisions: Mapping[int, Decision]) -> dict[str, Any]:
    """Copy the content of a refined file in which rejected annotations are as they were before refining.

    Args:
        coco: the refined file; its content is not changed.
        decisions: by annotation id; annotations without one count as accepted.
    """
    rejected = [annotation for annotation in coco.annotations if decisions.get(annotation.id) == "reject"]
    return with_annotations(coco, {annotation.position: restored(coco.entry(annotation)) for annotation in rejected})
