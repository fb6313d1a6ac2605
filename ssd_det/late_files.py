"""Waiting for files that another machine has written, and that a shared disk shows late on this one."""

import os
import time
from pathlib import Path

RANKS = ("RANK", "SLURM_PROCID")  # of torchrun and of SLURM
LONGEST_SECONDS = 60.0  # that NFS keeps what it knows of a folder, unless told otherwise
POLL_SECONDS = 0.5


def await_file(path: str | Path) -> None:
    """Wait, on every process but the first, until a file or folder is there, or a minute has passed.

    The first process decides: what it does not find is missing.
    """
    if not any(int(os.environ.get(name) or 0) for name in RANKS):
        return
    until = time.monotonic() + LONGEST_SECONDS
    while not os.path.lexists(path) and time.monotonic() < until:
        _look_into(Path(path).parent)
        time.sleep(POLL_SECONDS)


def _look_into(folder: Path) -> None:
    """List a folder, which makes network file systems ask for what is new in it."""
    try:
        list(folder.iterdir())
    except OSError:  # it may be late itself
        return
