"""The formats of pictures that are read, and what a file is that is of none of them: names of files say little."""

import re

from PIL import Image as PillowImage

# Pillow tries all that it knows, whatever a file is called: PostScript starts Ghostscript. JPEG includes MPO, the pairs
# of pictures that phones make, and TIFF includes DNG.
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "JPEG2000", "PPM")
NAMES = "JPEG, PNG, WebP, TIFF, BMP, GIF, AVIF, MPO, JPEG 2000 or PPM"
HEAD = 512  # bytes that tell a format
PREFIX = 16  # of them that Pillow looks at; some of its tests fail on fewer
# How files begin that are none of Pillow's, or that it names by an abbreviation.
BEGINNINGS = (
    (rb"(%!PS|\xc5\xd0\xd3\xc6)", "PostScript"),
    (rb"%PDF", "PDF"),
    (rb"....ftyp(heic|heix|hevc|mif1|msf1)", "HEIC"),
    (rb"....ftyp(?!avif|avis)", "a video"),
    (rb"RIFF....AVI ", "a video"),
    (rb"\x1aE\xdf\xa3", "a video"),
    (rb"version https://git-lfs", "a pointer of Git LFS, whose file was not fetched"),
    (rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg", "SVG"),
    (rb"\s*(<!doctype html|<html)", "a page of html"),
    (rb"\s*<\?xml", "xml"),
    (rb"\s*[{\[]\s*[\"{\[]", "json"),
    (rb"PK\x03\x04", "a zip archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"8BPS", "a Photoshop file"),
    (rb"\x93NUMPY", "an array of NumPy"),
)


def format_of_picture(head: bytes) -> str | None:
    """What a file is that is no picture of the formats that are read.

    Args:
        head: its first :data:`HEAD` bytes.

    Returns:
        Words for a sentence "is ...", ``None`` where it is of such a format, or of none that is known.
    """
    if not head.strip(b"\0"):
        return "empty" if not head else "nothing but zeros at its beginning"
    for pattern, name in BEGINNINGS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            return name
    PillowImage.init()
    for name in PillowImage.ID:
        accepts = PillowImage.OPEN[name][1]
        if accepts is not None and accepts(head[:PREFIX].ljust(PREFIX, b"\0")):
            return None if name in FORMATS else f"a picture of the format {name}"
    return None
