"""Opening image files, and the one rule for which pixels a box is in: those that the file stores, unturned.

A header may ask viewers to turn a picture (EXIF orientation). Pillow follows it in TIFF files and in no others, so that
is undone here, and sizes, pixels and boxes mean the same in every format.
"""

import re
import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import ExifTags, TiffImagePlugin
from PIL import Image as PillowImage

from ssd_det.annotations.picture_formats import FORMATS, HEAD, NAMES, format_of_picture
from ssd_det.foreign.regular_files import NotRegularError, open_regular

# What Pillow raises on files that are not images, and on damaged ones.
UNREADABLE = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, RuntimeError),
    *(struct.error, zlib.error, MemoryError, PillowImage.DecompressionBombError),
)

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
    with open_regular(path) as stream, PillowImage.open(stream, formats=FORMATS) as file:
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


def why_unreadable(path: str | Path, error: Exception, otherwise: str) -> str:
    """What is wrong with an image file and how to fix it, a clause.

    Args:
        path: of the file.
        error: one of :data:`UNREADABLE`, as it was raised.
        otherwise: the clause where the file is there, of a format that is read, and not too large.
    """
    if isinstance(error, FileNotFoundError):
        return "is not there: add the file or correct its path"
    if isinstance(error, NotRegularError):
        return f"is {error.strerror}: replace it with the image"
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot be read ({error.strerror}): give a file that you may read"
    counts = re.findall(r"\d+", str(error)) if is_too_large(error) else []
    if len(counts) == len(("pixels", "limit")):
        megapixels, limit = (f"{int(count) / 1e6:.4g}" for count in counts)
        return f"has {megapixels} megapixels, more than {limit}: cut it into tiles"
    other = other_format(path)
    return otherwise if other is None else f"is {other}, whatever its name says: save it as {NAMES}"


def other_format(path: str | Path) -> str | None:
    """What a file is that is no picture of the formats that are read, in words; ``None`` where it is not known."""
    try:
        with open_regular(path) as file:
            return format_of_picture(file.read(HEAD))
    except OSError:
        return None


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
