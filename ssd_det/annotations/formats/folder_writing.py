"""Writing folders of annotation files: there whole or not at all, and in place file by file."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from pathlib import Path
from typing import IO, cast

from ssd_det.annotations.output import make_folder, write_whole
from ssd_det.errors import InputError


def write_folder(
    folder: Path, files: Mapping[str, bytes], links: Mapping[str, Path], meanwhile: Callable[[], object] = lambda: None
) -> None:
    """Make a folder, or bring one that is there up to date.

    A new folder is written beside its place and renamed. In one that is there, each file that differs is replaced
    whole; the others, and what else is in it, stay.

    Args:
        folder: the place.
        files: their bytes, by their places below the folder.
        links: files that are linked to, by their places; copied where there are no links.
        meanwhile: is called before a folder that is there is touched, and before a new one gets its name.

    Raises:
        InputError: if the disk refuses.
    """
    if folder.exists():
        meanwhile()  # first, as it may keep what the files lose
        for place, content in files.items():
            if not _holds(folder / place, content):
                make_folder((folder / place).parent)
                write_bytes(folder / place, content)
        _link(folder, links)
        return
    temporary = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        inside = temporary / "folder"  # made with the rights that folders have here
        inside.mkdir()
        for place, content in files.items():
            path = inside / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _link(inside, links)
        meanwhile()
        inside.rename(folder)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}): make room, or give another output."
        ) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file so that it is there whole or not at all."""

    def write(file: IO[str]) -> None:
        cast("TextIOWrapper", file).buffer.write(content)

    write_whole(path, write)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _link(folder: Path, links: Mapping[str, Path]) -> None:
    """Link to files that are not there yet."""
    for place, target in links.items():
        path = folder / place
        if path.exists() or path.is_symlink():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.symlink_to(target.absolute())
        except OSError:  # a file system or a system without links
            shutil.copyfile(target, path)
