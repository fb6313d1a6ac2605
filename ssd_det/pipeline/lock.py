"""The lock of a run's folder: one pipeline at a time works in it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ssd_det.errors import InputError
from ssd_det.runs.layout import LOCK, LOCK_HOLDER
from ssd_det.write_errors import writing


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the lock of a run's folder, which the system frees when this process ends, however it does.

    Raises:
        InputError: if another process holds it.
    """
    lock = FileLock(run / LOCK)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        raise InputError(f"{run}: is in use by {_holder(run)}: wait for it, or give another output.") from None
    # Beside the lock, as whoever tries to take a lock may empty its file.
    holder = run / LOCK_HOLDER
    try:
        with writing(holder):
            holder.write_text(str(os.getpid()), encoding="utf-8")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _holder(run: Path) -> str:
    """The process that holds the lock, which may not have written its id yet, or have removed it."""
    try:
        return f"process {int((run / LOCK_HOLDER).read_text(encoding='utf-8'))}"
    except (FileNotFoundError, ValueError):
        return "another process"
