"""Boxes that a person trusts, and the annotations of a noisy file that they belong to."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.image_names import last_part
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError
from ssd_det.ops.box_arrays import corners, iou
from ssd_det.ops.box_types import Xywh

Match = Literal["ids", "overlap"]
LEAST_IOU = 0.1


@dataclass(frozen=True)
class TrustedBoxes:
    """Trusted boxes of a noisy file.

    Attributes:
        boxes: xywh in pixels, by the id of the annotation in the noisy file.
        by_overlap: how many of them were matched by where they are.
        unmatched: ids, in the trusted file, of boxes that no annotation of their class overlaps, or one with another
            trusted box.
        other_class: ids of annotations whose trusted box has another class; the class of the noisy file stays.
    """

    boxes: dict[int, Xywh]
    by_overlap: int
    unmatched: tuple[int, ...]
    other_class: tuple[int, ...]


def match_trusted(noisy: CocoFile, trusted: CocoFile, match: Match | None = None) -> TrustedBoxes:
    """Find the annotation that each trusted box belongs to.

    Images are matched by file name, without its folders where only one has that name; classes by name.

    Args:
        noisy: the file to correct.
        trusted: the file with trusted boxes, of any of its images. Where some of its annotations have ``trusted``,
            these alone are trusted.
        match: by ids, or by overlap: one to one within an image and class. Where not given, annotations of a COCO json
            file whose id the noisy file has are matched by id, and all others by overlap.

    Raises:
        InputError: if the trusted file has other images or classes, a box that cannot be trusted or does not belong to
            what its id says, or none that belongs to the noisy file.
    """
    if flagged := [annotation for annotation in trusted.annotations if annotation.trusted]:
        trusted = replace(trusted, annotations=flagged)
    images, classes = _images(noisy, trusted), _classes(noisy, trusted)
    by_id = {annotation.id: annotation for annotation in noisy.annotations}
    boxes, strangers, other_class = {}, [], []
    for box in trusted.annotations:
        check_trusted_box(trusted, box)
        has_id = match == "ids" or (match is None and trusted.source is None and box.id in by_id)
        if not has_id:
            strangers.append(box)
            continue
        own = _of_id(noisy, trusted, by_id, box, images)
        boxes[own.id] = box.bbox
        if classes[box.category_id] != own.category_id:
            other_class.append(own.id)
    free = [a for a in noisy.annotations if a.id not in boxes and _why_not(noisy, a) is None]
    pairs = _by_overlap(free, [box._replace(image_id=images[box.image_id]) for box in strangers], classes)
    matched = {box.id for _, box in pairs}
    boxes |= {own.id: box.bbox for own, box in pairs}
    unmatched = tuple(box.id for box in strangers if box.id not in matched)
    if unmatched and not boxes:
        raise InputError(
            f"{trusted.path}: none of its boxes overlaps one of its class in {noisy.path}: give trusted boxes of the "
            f"same objects."
        )
    return TrustedBoxes(boxes, len(pairs), unmatched, tuple(other_class))


def check_trusted_box(coco: CocoFile, annotation: Annotation) -> None:
    """Make sure that the box of an annotation is one of a single object, with an area in its image.

    Raises:
        InputError: if it is not.
    """
    if reason := coco.why_unusable(annotation):
        raise InputError(
            f"{coco.path}: annotation {annotation.id}: its box cannot be trusted ({reason}): correct or remove it."
        )


def _images(noisy: CocoFile, trusted: CocoFile) -> dict[int, int]:
    """The id in the noisy file of each image with trusted boxes: that of its name, or of its name without folders."""
    id_of = {image.file_name: image.id for image in noisy.images}
    uses = Counter(last_part(image.file_name) for image in noisy.images)
    shown = [image for image in trusted.images if image.id in trusted.annotations_by_image]
    uses.update({part: count - 1 for part, count in Counter(last_part(image.file_name) for image in shown).items()})
    alone = {part: image.id for image in noisy.images if uses[part := last_part(image.file_name)] == 1}
    found = {image.id: id_of.get(image.file_name, alone.get(last_part(image.file_name))) for image in shown}
    if unknown := [image.file_name for image in shown if found[image.id] is None]:
        raise InputError(
            f"{trusted.path}: has boxes of images that {noisy.path} does not have: {first_of(unknown)}: "
            f"give trusted boxes of its images, under the same file names."
        )
    own = {key: noisy.image_by_id[image] for key, image in found.items() if image is not None}
    for image in shown:
        there, here = ((file.width, file.height) for file in (image, own[image.id]))
        if there != here:
            raise InputError(
                f"{trusted.path}: image {image.id}: {image.file_name} has {there[0]}x{there[1]} pixels, but "
                f"{here[0]}x{here[1]} in {noisy.path}: give boxes in pixels of the same image."
            )
    return {key: image.id for key, image in own.items()}


def _classes(noisy: CocoFile, trusted: CocoFile) -> dict[int, int]:
    """The id in the noisy file of each class with trusted boxes."""
    id_of = {category.name: category.id for category in noisy.categories}
    used = {box.category_id for box in trusted.annotations}
    names = {category.id: category.name for category in trusted.categories if category.id in used}
    if unknown := [name for name in names.values() if name not in id_of]:
        raise InputError(
            f"{trusted.path}: has boxes of classes that {noisy.path} does not have: {first_of(unknown)}: "
            f"name the classes as there."
        )
    return {key: id_of[name] for key, name in names.items()}


def _of_id(
    noisy: CocoFile, trusted: CocoFile, by_id: dict[int, Annotation], box: Annotation, images: dict[int, int]
) -> Annotation:
    """The annotation that has the id of a trusted box.

    Raises:
        InputError: if there is none, it is of another image, or it cannot take a box.
    """
    where = f"{trusted.path}: annotation {box.id}"
    if box.id not in by_id:
        raise InputError(f"{where}: {noisy.path} has no annotation of that id: match by overlap, or correct the id.")
    own = by_id[box.id]
    if own.image_id != images[box.image_id]:
        raise InputError(
            f"{where}: is of the image {trusted.image_by_id[box.image_id].file_name}, but in {noisy.path} of "
            f"{noisy.image_by_id[own.image_id].file_name}: match by overlap (--match overlap), or correct the ids."
        )
    if reason := _why_not(noisy, own):
        raise InputError(f"{where}: {noisy.path} has it as one that takes no box ({reason}): remove the trusted one.")
    return own


def _why_not(coco: CocoFile, annotation: Annotation) -> str | None:
    """Why an annotation can take no trusted box; ``None`` where it can, wherever its own box is."""
    if annotation.trusted:
        return None
    return coco.why_never_usable(annotation) or coco.why_fixed(annotation)


def _by_overlap(
    own: Iterable[Annotation], boxes: Sequence[Annotation], classes: dict[int, int]
) -> list[tuple[Annotation, Annotation]]:
    """Pairs of an annotation and a trusted box, one to one, with the largest sum of IoUs."""
    groups: dict[tuple[int, int], tuple[list[Annotation], list[Annotation]]] = defaultdict(lambda: ([], []))
    for box in boxes:
        groups[box.image_id, classes[box.category_id]][1].append(box)
    for annotation in own:
        if (annotation.image_id, annotation.category_id) in groups:
            groups[annotation.image_id, annotation.category_id][0].append(annotation)
    pairs = []
    for annotations, others in groups.values():
        overlaps = iou(corners([a.bbox for a in annotations])[:, None], corners([b.bbox for b in others]))
        overlaps = np.where(overlaps < LEAST_IOU, 0.0, overlaps)
        rows, columns = linear_sum_assignment(overlaps, maximize=True)
        matched = overlaps[rows, columns] > 0
        pairs += [
            (annotations[row], others[column]) for row, column in zip(rows[matched], columns[matched], strict=True)
        ]
    return pairs
