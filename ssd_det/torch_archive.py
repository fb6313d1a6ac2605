"""Whether a file that ``torch.save`` wrote is still as it was written, which torch does not check on reading it."""

from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, is_zipfile

ZIP_START = b"PK\x03\x04"


def damaged_part(path: Path) -> str | None:
    """The part of a file that is not as ``torch.save`` wrote it.

    The file is a zip archive, which has a checksum (CRC-32) of each tensor and of what describes them.

    Args:
        path: of a regular file.

    Returns:
        The name of the part; ``None`` if all are whole, or the file was never such an archive.

    Raises:
        OSError: if the file cannot be read.
    """
    with path.open("rb") as file:
        is_archive = file.read(len(ZIP_START)) == ZIP_START
    if not is_zipfile(path):
        return "the table at its end" if is_archive else None
    try:
        with ZipFile(path) as archive:
            odd = (part.filename for part in archive.infolist() if part.compress_type != ZIP_STORED)
            return next(odd, None) or archive.testzip()
    except Exception:  # whatever the reader trips over in a table that is damaged
        return "the table at its end"
