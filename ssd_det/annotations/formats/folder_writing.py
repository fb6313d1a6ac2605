"""Writing folders of annotation files: a new one whole or not at all, one that exists file by file."""

import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ssd_det.annotations.output import make_folder, write_bytes
from ssd_det.write_errors import cannot_be_written, writing


def write_folder(
    folder: Path,
    files: Mapping[str, bytes],
    links: Mapping[str, Path],
    before_commit: Callable[[], object] = lambda: None,
) -> None:
    """Make a folder, or bring an existing one up to date.

    A new folder is written under a temporary name beside it and renamed. In an existing one, each file that differs is
    replaced whole; all else in it stays.

    Args:
        folder: the folder.
        files: their bytes, by their paths below the folder.
        links: the files to link to, by their paths below the folder; copied where links are not possible.
        before_commit: is called before an existing folder is touched, and before a new one gets its name.

    Raises:
        InputError: if the disk refuses.
    """
    if folder.exists():
        before_commit()  # first, as it may save what the files lose
        for name, content in files.items():
            path = folder / name
            if not _holds(path, content):
                make_folder(path.parent)
                write_bytes(path, content)
        with writing(folder):
            _link(folder, links)
        return
    temporary = None
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        inside = temporary / "folder"  # made with the rights that folders have here
        inside.mkdir()
        for name, content in files.items():
            path = inside / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        _link(inside, links)
        before_commit()
        inside.rename(folder)
    except OSError as error:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)  # first, as it takes room
        raise cannot_be_written(folder, error, sum(map(len, files.values()))) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _link(folder: Path, links: Mapping[str, Path]) -> None:
    """Link to files; what exists under the name of a link stays."""
    for name, target in links.items():
        path = folder / name
        if path.exists() or path.is_symlink():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.symlink_to(target.absolute())
        except OSError:  # a file system or a system without links
            shutil.copyfile(target, path)
