"""Opening image files, and the one rule for which pixels a box is in: those that the file stores, unturned.

A header may ask viewers to turn a picture (EXIF orientation). Pillow follows it in TIFF files and in no others, so that
is undone here, and sizes, pixels and boxes mean the same in every format.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, TiffImagePlugin
from PIL import Image as PillowImage

# What Pillow raises on files that are not images.
UNREADABLE = (OSError, SyntaxError, ValueError, PillowImage.DecompressionBombError)

ORIENTATIONS = range(1, 9)
# Turns a picture back that was turned by its orientation.
_BACK = {
    2: PillowImage.Transpose.FLIP_LEFT_RIGHT,
    3: PillowImage.Transpose.ROTATE_180,
    4: PillowImage.Transpose.FLIP_TOP_BOTTOM,
    5: PillowImage.Transpose.TRANSPOSE,
    6: PillowImage.Transpose.ROTATE_90,
    7: PillowImage.Transpose.TRANSVERSE,
    8: PillowImage.Transpose.ROTATE_270,
}

# Pillow warns of half its limit, which honest photographs have; above the limit it refuses, and users are told.
warnings.filterwarnings("ignore", category=PillowImage.DecompressionBombWarning)


class Header(NamedTuple):
    """What an image file says: the size of its stored pixels, and how EXIF would turn them, 1 for not at all."""

    width: int
    height: int
    orientation: int


@contextmanager
def opened(path: str | Path) -> Iterator[PillowImage.Image]:
    """Open an image file.

    Not by its name: Pillow maps such files into memory, and scrambles the pixels of a TIFF file on its side then.

    Raises:
        OSError, SyntaxError, ValueError or DecompressionBombError: see :data:`UNREADABLE`.
    """
    with Path(path).open("rb") as stream, PillowImage.open(stream) as file:
        yield file


def read_header(path: str | Path) -> Header:
    """Read the header of an image file.

    Raises:
        OSError, SyntaxError, ValueError or DecompressionBombError: see :data:`UNREADABLE`.
    """
    with opened(path) as file:
        width, height = stored_size(file)  # first, as looking for EXIF may load the picture
        return Header(width, height, _orientation_of(file))


def stored_size(file: PillowImage.Image) -> tuple[int, int]:
    """Width and height of the stored pixels of an image that was opened and not loaded."""
    if isinstance(file, TiffImagePlugin.TiffImageFile):
        return int(file.tag_v2[TiffImagePlugin.IMAGEWIDTH]), int(file.tag_v2[TiffImagePlugin.IMAGELENGTH])
    return file.size


def load_stored(file: PillowImage.Image) -> PillowImage.Image:
    """The pixels of an image that was opened and not loaded, as they are stored."""
    turned = _orientation_of(file) if isinstance(file, TiffImagePlugin.TiffImageFile) else 1
    file.load()
    return file.transpose(_BACK[turned]) if turned in _BACK else file


def why_unreadable(error: Exception, otherwise: str) -> str:
    """What is wrong with an image file and how to fix it, a clause.

    Args:
        error: one of :data:`UNREADABLE`, as Pillow raised it.
        otherwise: the clause where the image is not too large.
    """
    counts = re.findall(r"\d+", str(error)) if is_too_large(error) else []
    if len(counts) != len(("pixels", "limit")):
        return otherwise
    megapixels, limit = (f"{int(count) / 1e6:.4g}" for count in counts)
    return f"has {megapixels} megapixels, more than {limit}: cut it into tiles"


def exceeds_limit(width: int, height: int) -> bool:
    """Whether an image of this size in pixels is refused."""
    warned_of = PillowImage.MAX_IMAGE_PIXELS
    return warned_of is not None and width * height > 2 * warned_of


def is_too_large(error: Exception) -> bool:
    """Whether an image file was refused for its size."""
    return isinstance(error, PillowImage.DecompressionBombError)


def _orientation_of(file: PillowImage.Image) -> int:
    """The EXIF orientation, 1 where there is none that makes sense."""
    try:
        value = file.getexif().get(ExifTags.Base.Orientation, 1)
    except (*UNREADABLE, TypeError, KeyError):  # damaged EXIF turns nothing
        return 1
    return int(value) if value in ORIENTATIONS else 1
