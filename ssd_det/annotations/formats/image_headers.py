"""The names that images have in the COCO content of a folder, and their sizes."""

from functools import lru_cache
from pathlib import Path

from ssd_det.annotations.stored_pixels import UNREADABLE, opened, stored_size, why_unreadable
from ssd_det.errors import InputError


def name_below(image: Path, root: Path, annotations: Path) -> str:
    """An image's path from the folder that file names start from.

    Args:
        image: absolute, without dots.
        root: the folder, absolute, without dots.
        annotations: what names the image, for errors.

    Raises:
        InputError: if the image is not below the folder.
    """
    for path, folder in ((image, root), (_real(image.parent) / image.name, _real(root))):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    raise InputError(
        f"{annotations}: the image {image} is not in image_root {root}: give a folder that all images are in."
    )


def size_of(image: Path) -> tuple[int, int]:
    """Width and height in pixels as the header has them; a rotation by EXIF is not applied.

    Raises:
        InputError: if it is not an image.
    """
    try:
        with opened(image) as file:
            return stored_size(file)
    except UNREADABLE as error:
        reason = why_unreadable(image, error, "does not decode: replace the file or leave it and its labels out")
        raise InputError(f"{image}: {reason}.") from None


@lru_cache
def _real(folder: Path) -> Path:
    """A folder without symbolic links: people link to the folders of their images."""
    return folder.resolve()
