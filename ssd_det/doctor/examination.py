"""Checking an annotation file, and fixing it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.box_faults import find_corners, find_misplaced, find_normalised, find_swapped, find_unusual
from ssd_det.doctor.columns import NOT_FOUND, Columns, read_columns
from ssd_det.doctor.duplicate_faults import find_duplicates
from ssd_det.doctor.entry_faults import (
    find_dangling,
    find_flags,
    find_imbalance,
    find_malformed,
    find_names,
)
from ssd_det.doctor.fault_kinds import Severity
from ssd_det.doctor.faults import KINDS, Fault
from ssd_det.doctor.fixing import apply_fixes
from ssd_det.doctor.id_faults import find_ids, find_reused_ids
from ssd_det.doctor.image_faults import Headers, find_files, find_missing_sizes, find_sizes, read_headers
from ssd_det.doctor.missing_boxes import find_missing_boxes, find_rotated
from ssd_det.doctor.shape_faults import find_shapes
from ssd_det.doctor.shared_names import find_shared_names
from ssd_det.memory import collection_paused

MOST_ROUNDS = 4  # a fix may reveal another fault, such as boxes beyond the real size of a file


@dataclass(frozen=True)
class Examination:
    """What a file holds, and what is wrong with it.

    Attributes:
        counts: of the entries, by the name of their list.
        per_category: annotations of each category, by its name.
        passed_through: annotations that refining will leave unchanged, by reason.
        faults: in the order of :data:`ssd_det.doctor.faults.KINDS`.
        columns: of the file, as they are when fixed.
        headers: of the image files, ``None`` where they were not checked.
        of_files: the faults of the files of a folder, ``None`` for a COCO json file; also among the faults.
    """

    counts: dict[str, int]
    per_category: dict[str, int]
    passed_through: dict[str, int]
    faults: list[Fault]
    columns: Columns
    headers: Headers | None
    of_files: Sequence[Fault] | None

    def count(self, severity: Severity) -> int:
        """How many faults of a severity were found."""
        return sum(fault.count for fault in self.faults if fault.details.severity == severity)

    @property
    def clean(self) -> bool:
        """Whether there are no errors and no warnings."""
        return all(fault.details.severity == Severity.NOTE for fault in self.faults)


@dataclass(frozen=True)
class FixedFile:
    """What fixing a file made.

    Attributes:
        content: of the fixed file.
        done: how many faults were fixed, by kind.
        left: what a check of the new content finds.
    """

    content: JsonObject
    done: dict[str, int]
    left: Examination


@collection_paused()
def examine(
    content: JsonObject,
    image_root: str | Path | None = None,
    allow_outside: bool = False,
    of_files: Sequence[Fault] | None = None,
    names_turned: bool = True,
) -> Examination:
    """Check the content of an annotation file.

    Args:
        content: with the lists ``images``, ``annotations`` and ``categories``, as
            :func:`ssd_det.annotations.coco.read_content` gives it; not changed.
        image_root: the folder of the images; they are not checked without it.
        allow_outside: let file names that are absolute or have a part .. lead out of it.
        of_files: the faults of the files of a folder, if the content was read from one.
        names_turned: whether pictures of a folder that EXIF turns are a fault.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    columns = read_columns(content)
    headers = None
    if image_root is not None:
        headers = read_headers(columns, image_root, allow_outside, names_turned and of_files is not None)
    return _examine(columns, headers, of_files)


def _examine(columns: Columns, headers: Headers | None, of_files: Sequence[Fault] | None) -> Examination:
    """Look for every fault, first for those that change what others mean."""
    kinds = [(fault.details, fault.count) for fault in of_files or ()]
    lost = sum(count for kind, count in kinds if kind.severity == Severity.ERROR and not kind.fixable)
    columns.faults.extend(of_files or ())
    counts, per_category = _counts(columns), _per_category(columns)
    find_names(columns, headers)
    find_malformed(columns, lost)
    find_ids(columns)
    find_dangling(columns)
    find_missing_boxes(columns)
    find_rotated(columns)
    find_missing_sizes(columns, headers)
    find_shared_names(columns, headers, may_join=of_files is None)
    if headers is not None:
        find_files(columns, headers, lost)
        find_sizes(columns, headers)
    find_normalised(columns)
    find_corners(columns)
    find_swapped(columns)
    passed_through = _passed_through(columns)
    find_misplaced(columns)
    find_duplicates(columns)
    find_reused_ids(columns)
    find_flags(columns)
    find_shapes(columns)
    find_unusual(columns)
    find_imbalance(columns, lost)
    order = list(KINDS)
    faults = sorted(columns.faults, key=lambda fault: order.index(fault.kind))
    return Examination(counts, per_category, passed_through, faults, columns, headers, of_files)


@collection_paused()
def fix_faults(content: JsonObject, examination: Examination) -> FixedFile:
    """Fix what can be fixed without looking at the pictures, and check again.

    Args:
        content: what was examined; not changed.
        examination: of it.
    """
    done: Counter[str] = Counter()
    of_files = examination.of_files
    for _ in range(MOST_ROUNDS):
        fixable = {fault.kind: fault.count for fault in examination.faults if fault.details.fixable}
        if not fixable:
            break
        done.update(fixable)
        content, table = apply_fixes(content, examination.columns)
        headers = examination.headers and examination.headers.of(examination.columns.kept_images)
        of_files = None if of_files is None else [fault for fault in of_files if not fault.details.fixable]
        examination = _examine(read_columns(content, table), headers, of_files)
    return FixedFile(content, dict(done), examination)


def _counts(columns: Columns) -> dict[str, int]:
    return {list_name: len(entries) for list_name, entries in columns.entries.items()}


def _per_category(columns: Columns) -> dict[str, int]:
    categories = columns.entries["categories"]
    known = columns.category_index[columns.category_index != NOT_FOUND]
    per_category: Counter[str] = Counter()
    for entry, count in zip(categories, np.bincount(known, minlength=len(categories)).tolist(), strict=True):
        per_category[str(entry.get("name"))] += count
    return dict(per_category)


def _passed_through(columns: Columns) -> dict[str, int]:
    """Count annotations that cannot be refined, as :meth:`ssd_det.annotations.coco.CocoFile.why_unusable` has it."""
    low = columns.box[:, :2].clip(min=0)
    visible = np.minimum(columns.box[:, :2] + columns.box[:, 2:], columns.box_limits) - low
    reasons = {
        "crowd": columns.crowd,
        "difficult": columns.difficult,
        "rotated": columns.rotated,
        "no area": (columns.box[:, 2:] < LEAST_SIDE).any(axis=1) | (columns.file_box[:, 2:] == 0).any(axis=1),
        "outside the image": (visible < LEAST_SIDE).any(axis=1),
    }
    counts: dict[str, int] = {}
    rest = columns.usable
    for reason, applies in reasons.items():
        if (rest & applies).any():
            counts[reason] = int((rest & applies).sum())
        rest = rest & ~applies
    return counts
