"""What is said of a file that cannot be written: why, how much room it needs, and how much its disk has left."""

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import RawIOBase
from pathlib import Path
from typing import IO, cast

from ssd_det.errors import InputError

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system says where a disk is full, a quota is used up, or a file may not be so large."""

NO_LEAVE = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})

OTHER_OUTPUT = "or give another output"
KILOBYTE, MEGABYTE = 1_000, 1_000_000


def cannot_be_written(
    path: str | Path, error: OSError, needed: int | None = None, advice: str = OTHER_OUTPUT
) -> InputError:
    """The error about a file that cannot be written.

    Args:
        path: the file that the user knows of, which need not be the one that was written to.
        error: of the system.
        needed: bytes that the file takes, where they are known.
        advice: what to do once the system does not refuse any more, or instead, a clause with its conjunction.
    """
    reason = error.strerror or type(error).__name__
    if error.errno in NO_ROOM:
        reason = "; ".join([reason, *_room(Path(path), needed)])
    return InputError(f"{path}: cannot be written ({reason}): {_remedy(error)}, {advice}.")


def _remedy(error: OSError) -> str:
    if error.errno in NO_ROOM:
        return "make room"
    return "correct the permissions" if error.errno in NO_LEAVE else "see that its path and disk are sound"


@contextmanager
def writing(path: str | Path, advice: str = OTHER_OUTPUT) -> Iterator[None]:
    """Name a file in the error where the block cannot write it.

    Args:
        path: the file.
        advice: see :func:`cannot_be_written`.

    Raises:
        InputError: if the system refuses.
    """
    try:
        yield
    except OSError as error:
        raise cannot_be_written(path, error, advice=advice) from error


def size_of(write: Callable[[IO[bytes]], object]) -> int:
    """How many bytes are written into a file that takes anything and keeps nothing."""
    counted = _Counted()
    write(cast("IO[bytes]", counted))
    return counted.size


def _room(path: Path, needed: int | None) -> list[str]:
    """The room that a file needs, and what the disk of its folder has left, in words."""
    folder = path.resolve().parent
    while not folder.exists():
        folder = folder.parent
    disk = folder
    while not os.path.ismount(disk):
        disk = disk.parent
    left = f"the disk at {disk} has {_in_words(shutil.disk_usage(folder).free)} left"
    return [left] if needed is None else [f"it needs {_in_words(needed)}", left]


def _in_words(size: int) -> str:
    return f"{size / MEGABYTE:,.1f} MB" if size >= MEGABYTE else f"{size / KILOBYTE:.1f} kB"


class _Counted(RawIOBase):
    """A file that counts the bytes that it is given."""

    def __init__(self) -> None:
        self.size = 0

    def writable(self) -> bool:
        """It can be written to."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Count bytes."""
        size = memoryview(data).nbytes
        self.size += size
        return size
