"""Paths of annotations and images."""

import os
from pathlib import Path, PurePath

IMAGE_SUFFIXES = (".bmp", ".dng", ".heic", ".jpeg", ".jpg", ".mpo", ".pfm", ".png", ".tif", ".tiff", ".webp")


def normal(path: PurePath) -> Path:
    """An absolute path without dots; links are kept, as people link to the folders of their images."""
    return Path(os.path.abspath(path))  # noqa: PTH100
