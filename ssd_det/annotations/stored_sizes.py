"""The sizes that an annotation file says its images have, against those of the image files."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.stored_pixels import UNREADABLE, opened, stored_size, why_unreadable
from ssd_det.errors import InputError

MOST_FILES = 5_000  # whose headers are read in less than a second


def check_size(path: Path, image: Image, width: int, height: int) -> None:
    """Compare an image's size in pixels with what the annotation file says of it.

    Raises:
        InputError: if they differ.
    """
    if (width, height) != (image.width, image.height):
        raise InputError(
            f"{path}: image {image.id} is {width}x{height}, but the annotation file says "
            f"{image.width}x{image.height}: correct its width and height, or the file."
        )


@contextmanager
def named_if_unreadable(path: Path, image: Image) -> Iterator[None]:
    """Read an image file.

    Raises:
        InputError: in place of the errors of files that cannot be read.
    """
    try:
        yield
    except UNREADABLE as error:
        reason = why_unreadable(path, error, "does not decode: replace the file or leave it out")
        raise InputError(f"{path}: image {image.id} {reason}.") from None


def check_stored_sizes(coco: CocoFile, paths: Mapping[int, Path]) -> None:
    """Look at the headers of image files before work begins that would end at a picture of another size.

    Of very many images every second, third and so on is looked at: sizes are wrong where a whole folder was resized.

    Args:
        coco: the annotation file.
        paths: of the images that are there, by image id; those without boxes that can be used are passed over.

    Raises:
        InputError: if a file cannot be read, or is of another size than its image.
    """
    found = [image for image in coco.images if image.id in paths]
    for image in found[:: -(-len(found) // MOST_FILES) or 1]:
        if any(coco.why_unusable(annotation) is None for annotation in coco.annotations_by_image.get(image.id, [])):
            path = paths[image.id]
            with named_if_unreadable(path, image), opened(path) as file:
                check_size(path, image, *stored_size(file))
