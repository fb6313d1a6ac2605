"""Annotations without the images that are not there."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.entries import entries_of
from ssd_det.annotations.image_files import left_out_sentence, missing_images_error, resolve_images
from ssd_det.console import warn


def without_missing_images(coco: CocoFile, image_root: str | Path, allow_outside: bool = False) -> CocoFile:
    """A file without the images that are not there, which are counted on standard error, and their annotations.

    Args:
        coco: the file; its content is not changed.
        image_root: the folder that its file names start from.
        allow_outside: let file names lead out of it.

    Returns:
        The file itself where all images are there.

    Raises:
        InputError: if none is there, as then the folder is wrong; see also
            :func:`ssd_det.annotations.image_files.resolve_images`.
    """
    paths, missing = resolve_images(coco, image_root, allow_outside)
    if not missing:
        return coco
    if not paths:
        raise missing_images_error(coco, image_root, missing)
    warn(left_out_sentence(coco.path, image_root, [image.file_name for image in missing], len(coco.images)))
    pairs = zip(coco.images, coco.content["images"], strict=True)
    images = [entry for image, entry in pairs if image.id in paths]
    annotations = entries_of(coco, paths.keys())
    return parse_coco(coco.path, {**coco.content, "images": images, "annotations": annotations}, coco.source)
