"""Paths of annotations and images."""

import os
from pathlib import Path, PurePath

# What YOLO's trainers read, and all that is taken for an image.
IMAGE_SUFFIXES = tuple(
    ".avif .bmp .dng .heic .heif .jp2 .jpeg .jpg .mpo .pfm .png .tif .tiff .webp".split()  # noqa: SIM905
)
READ_SUFFIXES = (*IMAGE_SUFFIXES, ".gif", ".jfif", ".jpe")


def normal(path: PurePath) -> Path:
    """An absolute path without dots; links are kept, as people link to the folders of their images."""
    return Path(os.path.abspath(path))  # noqa: PTH100
