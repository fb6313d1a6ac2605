"""Digests of files, which tell whether a file is still the one that something was made from."""

import hashlib
from pathlib import Path

from ssd_det.foreign.regular_files import open_regular


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
