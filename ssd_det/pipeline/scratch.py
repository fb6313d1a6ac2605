"""The folder of temporary files of a run's processes: what they leave when they are killed goes at the next call."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ssd_det.annotations.output import write_text
from ssd_det.runs.layout import SCRATCH

PREFIX = "ssd-det-"


@contextmanager
def scratch_folder(run: Path) -> Iterator[Path]:
    """Make a folder for temporary files; it goes with the pipeline or, if that is killed, at the next call.

    It is in the system's folder for such files, not in the run: the paths of sockets must be short. The run notes its
    name alone, so that no run, from wherever it came, can name another folder to be removed.
    """
    note = run / SCRATCH
    _remove_noted(note)
    folder = _folder(f"{PREFIX}{uuid.uuid4().hex}")
    write_text(note, folder.name)  # first: a folder that no run knows of would stay
    try:
        folder.mkdir(mode=0o700)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        note.unlink(missing_ok=True)


def _folder(name: str) -> Path:
    return Path(tempfile.gettempdir()) / name


def _remove_noted(note: Path) -> None:
    """Remove what a call that was killed has left."""
    try:
        name = note.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return
    folder = _folder(name)
    is_ours = name.startswith(PREFIX) and name.removeprefix(PREFIX).isalnum()
    if is_ours and folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid():
        shutil.rmtree(folder, ignore_errors=True)
