"""Reading annotations together with where their images are."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.image_headers import size_of
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.image_files import left_out_sentence, missing_images_error, resolve_images
from ssd_det.annotations.stored_pixels import exceeds_limit
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh


def read_with_images(
    annotations: str,
    image_root: str,
    skip_missing_images: bool = False,
    allow_outside: bool = False,
    yolo_rows: RowKind | None = None,
) -> tuple[CocoFile, dict[int, Path]]:
    """Read an annotation file and find its images.

    Returns:
        The file, and the path of each image that is there, by image id.

    Raises:
        InputError: if the file cannot be used, images are missing and are not to be skipped, all are missing, or one
            is too large.
    """
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    paths, missing = resolve_images(coco, image_root, allow_outside)
    if missing and not (skip_missing_images and paths):
        raise missing_images_error(coco, image_root, missing)
    _refuse_huge(coco, paths)
    return coco, paths


def _refuse_huge(coco: CocoFile, paths: Mapping[int, Path]) -> None:
    """Refuse images with objects that cannot be read for their size, before a training comes to them.

    Raises:
        InputError: if there is one.
    """
    for image in coco.images:
        if image.id in paths and coco.annotations_by_image.get(image.id) and exceeds_limit(image.width, image.height):
            size_of(paths[image.id])


def with_found_images(coco: CocoFile, paths: Mapping[int, Path]) -> CocoFile:
    """A file as if it had only the images that are there; its content is not changed.

    Args:
        coco: the file.
        paths: of the images that are there, by image id.
    """
    if len(paths) == len(coco.images):
        return coco
    return replace(
        coco,
        images=[image for image in coco.images if image.id in paths],
        annotations=[annotation for annotation in coco.annotations if annotation.image_id in paths],
    )


def left_out_images(coco: CocoFile, paths: Mapping[int, Path], image_root: str) -> str:
    """The line that counts the images that are not there; empty where all are.

    Args:
        coco: the file, with all its images.
        paths: of the images that are there, by image id.
        image_root: where they were looked for.
    """
    missing = [image.file_name for image in coco.images if image.id not in paths]
    return left_out_sentence(coco.path, image_root, missing, len(coco.images)) if missing else ""


def check_test_images(
    training: tuple[CocoFile, Mapping[int, Path]],
    test: tuple[CocoFile, Mapping[int, Path]],
    option: str,
) -> str:
    """Refuse to test on the pictures of the training by accident, because two folders hold files of the same names.

    The very files of the training, with boxes that the training does not have, are most likely other pictures.

    Args:
        training: annotations to train on, and the path of each of their images.
        test: the same of those to test on, whose folder of images was not given.
        option: that would give this folder.

    Returns:
        A warning where the files of the training are tested on with the same boxes; else nothing.

    Raises:
        InputError: if they are with others.
    """
    (trained_on, training_paths), (tested_on, test_paths) = training, test
    image_at = {path: image_id for image_id, path in training_paths.items()}
    twins = {image_id: image_at[path] for image_id, path in test_paths.items() if path in image_at}
    known: dict[int, set[Xywh]] = {twin: set() for twin in twins.values()}
    for annotation in trained_on.annotations:
        if annotation.image_id in known:
            known[annotation.image_id] |= {annotation.bbox, annotation.true_bbox or annotation.bbox}
    boxes = [annotation for annotation in tested_on.annotations if annotation.image_id in twins]
    others = {box.image_id for box in boxes if box.bbox not in known[twins[box.image_id]]}
    files = first_of(str(test_paths[image_id]) for image_id in sorted(others or twins))
    about = f"{tested_on.path}: {len(others or twins)} of {len(tested_on.images)} images"
    where = f"the folder that the file names of {tested_on.path.name} start from"
    if others:
        raise InputError(
            f"{about} are files that {trained_on.path} has with other boxes: {files}: give {option}, {where}."
        )
    return (
        f"Warning: {about} are trained on as well: {files}: if these are others, give {option}, {where}."
        if twins
        else ""
    )
