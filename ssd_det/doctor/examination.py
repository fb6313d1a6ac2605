"""Looking an annotation file over, and mending it."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.doctor.box_faults import find_corners, find_misplaced, find_normalised, find_swapped, find_unusual
from ssd_det.doctor.columns import NOWHERE, Tables, read_tables
from ssd_det.doctor.duplicate_faults import find_duplicates
from ssd_det.doctor.entry_faults import (
    find_dangling,
    find_flags,
    find_imbalance,
    find_malformed,
    find_names,
    find_reused_ids,
)
from ssd_det.doctor.faults import KINDS, Fault, Severity
from ssd_det.doctor.fixing import mended
from ssd_det.doctor.image_faults import Headers, find_files, find_sizes, read_headers
from ssd_det.doctor.shape_faults import find_shapes
from ssd_det.memory import collection_paused

MOST_ROUNDS = 4  # a mend may bring another fault to light, such as a file's real size that boxes reach beyond


@dataclass(frozen=True)
class Examination:
    """What a file holds, and what is wrong with it.

    Attributes:
        counts: how many there are, by name.
        per_category: annotations of each category, by name.
        passed_through: annotations that refining will leave as they are, by reason.
        faults: in the order of :data:`ssd_det.doctor.faults.KINDS`.
        tables: the file's columns, as they are when mended.
        headers: of the image files, where they were looked at.
    """

    counts: dict[str, int]
    per_category: dict[str, int]
    passed_through: dict[str, int]
    faults: list[Fault]
    tables: Tables
    headers: Headers | None

    def count(self, severity: Severity) -> int:
        """How often faults of a severity were found."""
        return sum(fault.count for fault in self.faults if fault.known.severity == severity)

    @property
    def clean(self) -> bool:
        """Whether there are no errors and no warnings."""
        return all(fault.known.severity == Severity.NOTE for fault in self.faults)


class Mending(NamedTuple):
    """A mended file: its content, what was done (kinds and counts), and what a second look finds."""

    content: dict[str, Any]
    done: dict[str, int]
    left: Examination


@collection_paused()
def examine(content: dict[str, Any], image_root: str | Path | None = None, allow_outside: bool = False) -> Examination:
    """Look over the content of an annotation file.

    Args:
        content: with the lists ``images``, ``annotations`` and ``categories``, as
            :func:`ssd_det.annotations.coco.read_content` gives it; not changed.
        image_root: the folder of the images; they are not looked at without it.
        allow_outside: let file names that are absolute or have a part .. lead out of it.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    tables = read_tables(content)
    find_names(tables)
    return _examine(tables, None if image_root is None else read_headers(tables, image_root, allow_outside))


def _examine(tables: Tables, headers: Headers | None) -> Examination:
    """Look for every fault, those first that change what others mean."""
    before = _counts(tables), _per_category(tables)
    find_malformed(tables)
    find_dangling(tables)
    if headers is not None:
        find_files(tables, headers)
        find_sizes(tables, headers)
    find_normalised(tables)
    find_corners(tables)
    find_swapped(tables)
    passed_through = _passed_through(tables)
    find_misplaced(tables)
    find_duplicates(tables)
    find_reused_ids(tables)
    find_flags(tables)
    find_shapes(tables)
    find_unusual(tables)
    find_imbalance(tables)
    order = list(KINDS)
    faults = sorted(tables.faults, key=lambda fault: order.index(fault.kind))
    return Examination(*before, passed_through, faults, tables, headers)


@collection_paused()
def mend(content: dict[str, Any], examination: Examination) -> Mending:
    """Mend what can be mended without looking at the pictures, and look again.

    Args:
        content: what was examined; not changed.
        examination: of it.
    """
    done: Counter[str] = Counter()
    for _ in range(MOST_ROUNDS):
        mendable = {fault.kind: fault.count for fault in examination.faults if fault.known.did is not None}
        if not mendable:
            break
        done.update(mendable)
        content = mended(content, examination.tables)
        tables = read_tables(content)
        find_names(tables)
        examination = _examine(tables, examination.headers)
    return Mending(content, dict(done), examination)


def _counts(tables: Tables) -> dict[str, int]:
    images, annotations, categories = (len(entries) for entries in tables.entries.values())
    return {"images": images, "annotations": annotations, "categories": categories}


def _per_category(tables: Tables) -> dict[str, int]:
    counts = np.bincount(tables.category[tables.category != NOWHERE], minlength=len(tables.entries["categories"]))
    per_category: Counter[str] = Counter()
    for entry, count in zip(tables.entries["categories"], counts.tolist(), strict=True):
        per_category[str(entry.get("name"))] += count
    return dict(per_category)


def _passed_through(tables: Tables) -> dict[str, int]:
    """Count why annotations cannot be refined, as :meth:`ssd_det.annotations.coco.CocoFile.why_unusable` tells."""
    low = tables.box[:, :2].clip(min=0)
    visible = np.minimum(tables.box[:, :2] + tables.box[:, 2:], tables.box_limits) - low
    reasons = {
        "crowd": tables.crowd,
        "difficult": tables.difficult,
        "no area": (tables.box[:, 2:] < LEAST_SIDE).any(axis=1),
        "outside the image": (visible < LEAST_SIDE).any(axis=1),
    }
    counted: dict[str, int] = {}
    rest = tables.sound
    for reason, holds in reasons.items():
        if (rest & holds).any():
            counted[reason] = int((rest & holds).sum())
        rest = rest & ~holds
    return counted
