"""Reading files whole: only regular ones, as a pipe or a device may never end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

from ssd_det.errors import InputError

KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISDIR, "a folder"),
)
UNBLOCKED = getattr(os, "O_NONBLOCK", 0)  # for what has become a pipe since it was looked at


class NotRegularError(OSError):
    """A path is no regular file; ``strerror`` says what it is."""


def open_regular(path: str | Path) -> BufferedReader:
    """Open a file for reading, in bytes.

    Raises:
        OSError: if it cannot be opened.
        NotRegularError: if it is a pipe, a device, a socket or a folder.
    """
    mode = os.stat(path).st_mode  # noqa: PTH116  # a Path for each of 118,000 files takes seconds
    if not stat.S_ISREG(mode):
        kind = next((text for is_kind, text in KINDS if is_kind(mode)), "something else")
        raise NotRegularError(errno.EINVAL, f"{kind}, not a regular file", str(path))
    return open(path, "rb", opener=lambda name, flags: os.open(name, flags | UNBLOCKED))


def read_regular(path: Path, kind: str, most: int | None = None, if_missing: str | None = None) -> bytes:
    """The content of a file.

    Args:
        path: of the file.
        kind: what it should be, for errors.
        most: the bytes that such a file may have; ``None`` for any number.
        if_missing: what to do where it does not exist, for the error.

    Raises:
        InputError: if it is missing, unreadable, no regular file, or too large.
    """
    try:
        with open_regular(path) as file:
            content = file.read() if most is None else file.read(most + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: {if_missing or f'give the path of a {kind}'}.") from None
    except NotRegularError as error:
        raise InputError(f"{path}: is {error.strerror}: give the path of a {kind}.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    except MemoryError:
        raise InputError(f"{path}: does not fit into memory: give a smaller {kind}.") from None
    if most is not None and len(content) > most:
        raise InputError(f"{path}: has more than {most / 1e6:.4g} MB, which no {kind} needs: give a {kind}.")
    return content
