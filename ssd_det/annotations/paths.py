"""Paths of annotations and images, as people place them."""

import os
from pathlib import Path, PurePath

IMAGE_SUFFIXES = (".bmp", ".dng", ".heic", ".jpeg", ".jpg", ".mpo", ".pfm", ".png", ".tif", ".tiff", ".webp")


def normal(path: PurePath) -> Path:
    """An absolute path without dots; links stay, as people place images by them."""
    return Path(os.path.abspath(path))  # noqa: PTH100
