"""Comparing and naming the categories of annotation files."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ssd_det.annotations.coco import Category, CocoFile
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError


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


def with_classes_of(coco: CocoFile, source: str | Path, categories: Sequence[Category]) -> CocoFile:
    """A file to test on, with the class list that was trained on; its content is not changed.

    The classes of a folder are matched by name, as their numbers are those of the folder, and some may have no object
    in it. Those of a COCO json file have numbers of its own: they must be the same, or all names must be.

    Args:
        coco: the file.
        source: of the class list, for errors.
        categories: the class list.

    Raises:
        InputError: if the file has other classes.
    """
    if coco.categories == list(categories):
        return coco
    number_of = {category.name: category.id for category in categories}
    names = [category.name for category in coco.categories]
    unknown = [name for name in names if name not in number_of]
    if coco.source is not None and unknown:
        raise InputError(
            f"{coco.path}: has classes that {source} does not have: {first_of(unknown)}: "
            f"use data that belongs together."
        )
    are_unique = len(number_of) == len(categories) and len(set(names)) == len(names)
    if not are_unique or (coco.source is None and (unknown or len(names) < len(number_of))):
        raise InputError(different_categories(coco.path, coco.categories, source, categories))
    new = {category.id: number_of[category.name] for category in coco.categories}
    annotations = [annotation._replace(category_id=new[annotation.category_id]) for annotation in coco.annotations]
    return replace(coco, annotations=annotations, categories=list(categories))


def unique_names(coco: CocoFile) -> dict[int, str]:
    """The name of each category by id, with the id behind it where several have the same."""
    uses = Counter(category.name for category in coco.categories)
    return {c.id: c.name if uses[c.name] == 1 else f"{c.name} ({c.id})" for c in coco.categories}
