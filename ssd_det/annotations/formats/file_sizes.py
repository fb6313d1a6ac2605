"""The sizes that annotations give their images, beside those of the image files."""

from collections.abc import Mapping
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.stored_pixels import UNREADABLE, Header, read_header
from ssd_det.errors import InputError
from ssd_det.ops.exif_turns import FIRST_SIDEWAYS


def check_file_sizes(coco: CocoFile, files: Mapping[int, Path], image_root: str | Path, shown: bool = False) -> None:
    """Make sure that boxes are in the pixels of the image files, before they are written beside these.

    Args:
        coco: the annotations.
        files: the image files by image id; those that cannot be read say nothing.
        image_root: the folder that file names start from, for the error.
        shown: whether boxes may be on the pictures as EXIF turns them, and sizes with them.

    Raises:
        InputError: if an image has another size than its file.
    """
    for image in coco.images:
        header = _header_of(files.get(image.id))
        size = (image.width, image.height)
        if header is None or size == (header.width, header.height):
            continue
        is_shown = header.orientation >= FIRST_SIDEWAYS and size == (header.height, header.width)
        if is_shown and shown:
            continue
        raise InputError(
            f"{coco.path}: image {image.id} is {image.width}x{image.height}, but {files[image.id]} is "
            f"{header.width}x{header.height}: {_fix(coco, image_root, is_shown)}."
        )


def _header_of(file: Path | None) -> Header | None:
    try:
        return None if file is None else read_header(file)
    except UNREADABLE:
        return None


def _fix(coco: CocoFile, image_root: str | Path, is_shown: bool) -> str:
    if is_shown and coco.source is not None:
        return "EXIF turns this picture: give --exif apply"
    return (
        f"correct its size and boxes, as ssd-det check-annotations {coco.path} --image_root {image_root} --fix does "
        f"where boxes fit the file, or give the file that was annotated"
    )
