"""Reading the pixels of an image, of any mode."""

from pathlib import Path

from ssd_det.annotations.coco import Image
from ssd_det.annotations.stored_pixels import load_stored, opened, stored_size
from ssd_det.annotations.stored_sizes import check_size, named_if_unreadable
from ssd_det.batches.augmentation import Pixels
from ssd_det.batches.image_modes import to_rgb


def read_image(path: Path, image: Image) -> Pixels:
    """Read an image of any mode as RGB ``[H, W, 3]``, the pixels as they are stored, in which boxes are.

    Raises:
        InputError: if the file does not decode, or its size is not what the annotation file says.
    """
    with named_if_unreadable(path, image), opened(path) as file:
        check_size(path, image, *stored_size(file))  # before a picture that is not meant is decoded
        pixels = to_rgb(load_stored(file))
    check_size(path, image, pixels.shape[1], pixels.shape[0])
    return pixels
