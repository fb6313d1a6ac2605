"""Dividing the images of an annotation file among train, validation and test files, stratified by category."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.entries import entries_of
from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError

Labels = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]


def split(
    coco: CocoFile, shares: Mapping[str, float], seed: int, group_of: Mapping[str, str] = MappingProxyType({})
) -> dict[str, JsonObject]:
    """Divide a file by images, so that each part has its share of the images of each category.

    Images without annotations count as a category of their own, and entries of one file name or one group stay
    together.

    Args:
        coco: the file; its content is not changed.
        shares: of each part, by name; together 1.
        seed: decides which images go where.
        group_of: the group of an image, by its file name; images without one are alone.

    Returns:
        The content of each part: its images and annotations, and every other key of the file.

    Raises:
        InputError: if a part would have no annotations, although the file has some, or no images.
    """
    units: dict[tuple[str, bool], int] = {}  # by group, else by file name
    unit_of = {}
    for image in coco.images:
        group = group_of.get(image.file_name)
        unit_of[image.id] = units.setdefault((group or image.file_name, group is None), len(units))
    column_of = {category.id: column for column, category in enumerate(coco.categories)}
    labels = np.zeros((len(units), len(coco.categories) + 1), dtype=bool)
    for annotation in coco.annotations:
        labels[unit_of[annotation.image_id], column_of[annotation.category_id]] = True
    _check_count(coco, labels, len(shares))
    labels[:, -1] = ~labels.any(axis=1)
    parts = stratify(labels, list(shares.values()), np.random.default_rng(seed % 2**64))
    part_of = {image_id: parts[unit] for image_id, unit in unit_of.items()}
    return {
        name: _part(coco, name, {key for key, part in part_of.items() if part == i}) for i, name in enumerate(shares)
    }


def stratify(labels: Labels, shares: list[float], random: np.random.Generator) -> Integers:
    """Iterative stratification (Sechidis, Tsoumakas and Vlahavas, On the Stratification of Multi-Label Data, 2011).

    The label with the fewest examples left is handled first: each example goes to the part that still needs most of
    that label, and among these to the one that needs most examples. Here parts need whole numbers of a label, each at
    least one as long as there are enough.

    Args:
        labels: ``[examples, labels]``, whether an example has a label; each example has at least one.
        shares: of the parts, together 1.
        random: decides the order of the examples.

    Returns:
        The part of each example, ``[examples]``.
    """
    counts = labels.sum(axis=0)
    wanted = np.stack([_quota(int(count), np.asarray(shares)) for count in counts], axis=1)
    wanted_in_all = np.asarray(shares) * len(labels)
    parts = np.full(len(labels), -1, dtype=np.int64)
    left = counts.copy()
    while left.any():
        label = int(np.where(left > 0, left, len(labels) + 1).argmin())
        for example in random.permutation(np.flatnonzero(labels[:, label] & (parts < 0))):
            part = int(np.lexsort((wanted_in_all, wanted[:, label]))[-1])
            parts[example] = part
            wanted[part, labels[example]] -= 1
            wanted_in_all[part] -= 1
            left[labels[example]] -= 1
    return parts


def _quota(count: int, shares: npt.NDArray[np.float64]) -> Integers:
    """A count divided into whole numbers ``[parts]``, each at least 1; a count below that goes to the first parts."""
    fair = shares * count
    quota = np.maximum(np.floor(fair).astype(np.int64), np.arange(len(shares)) < count)
    while quota.sum() > count:
        quota[np.where(quota > 1, quota - fair, -np.inf).argmax()] -= 1
    while quota.sum() < count:
        quota[(fair - quota).argmax()] += 1
    return quota


def _check_count(coco: CocoFile, labels: Labels, parts: int) -> None:
    """Make sure that every part can get something.

    Args:
        coco: the file.
        labels: ``[units, labels]``, whether what stays together has annotations of a category.
        parts: how many there are to be.

    Raises:
        InputError: if the file has too few images with annotations or, without these, too few images.
    """
    kind = "images with annotations" if labels.any() else "images"
    count = int(labels.any(axis=1).sum()) if labels.any() else len(labels)
    if count < parts:
        raise InputError(
            f"{coco.path}: has {count} {kind} (those that stay together are one), but {parts} parts need {parts}: "
            f"add images, or ask for fewer parts."
        )


def _part(coco: CocoFile, name: str, image_ids: set[int]) -> JsonObject:
    images = [entry for image, entry in zip(coco.images, coco.content["images"], strict=True) if image.id in image_ids]
    annotations = entries_of(coco, image_ids)
    if not annotations and coco.annotations:
        raise InputError(f"{coco.path}: has too few images for a part {name} with annotations: give it a larger share.")
    if not images:
        raise InputError(f"{coco.path}: has too few images for a part {name}: give it a larger share.")
    return {**coco.content, "images": images, "annotations": annotations}
