"""Comparing and naming the categories of annotation files."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ssd_det.annotations.coco import Category, CocoFile
from ssd_det.annotations.values import first_of


def different_categories(
    source: str | Path,
    categories: Sequence[Category],
    other_source: str | Path,
    other_categories: Sequence[Category],
) -> str:
    """A sentence that names the categories that only one of two sources has."""
    parts = [
        f"only {path} has {first_of(f'{c.id} {c.name}' for c in present if c not in absent_from)}"
        for path, present, absent_from in (
            (source, categories, other_categories),
            (other_source, other_categories, categories),
        )
        if any(c not in absent_from for c in present)
    ]
    return f"{source}: has other categories than {other_source} ({'; '.join(parts)}): use data that belongs together."


def unique_names(coco: CocoFile) -> dict[int, str]:
    """The name of each category by id, with the id behind it where several have the same."""
    uses = Counter(category.name for category in coco.categories)
    return {c.id: c.name if uses[c.name] == 1 else f"{c.name} ({c.id})" for c in coco.categories}
