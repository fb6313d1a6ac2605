"""How much memory is free, giving it back, and pausing garbage collection while millions of small objects are made."""

import ctypes
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

GIB = 2**30
CGROUP = Path("/sys/fs/cgroup")
MEMINFO = Path("/proc/meminfo")


@contextmanager
def collection_paused() -> Iterator[None]:
    """Keep the garbage collector from scanning all objects again and again while more of them are made.

    The objects read from annotation files have no cycles, so it would find nothing and double the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def give_back() -> None:
    """Give what was freed back to the system; the C library of most Linux systems keeps it otherwise."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)


def free_memory() -> float:
    """Main memory in GiB that is available: what the system has left, but no more than the container may still use."""
    if MEMINFO.is_file():
        lines = dict(line.split(":", 1) for line in MEMINFO.read_text(encoding="ascii").splitlines())
        free = int(lines["MemAvailable"].split()[0]) * 1024
    else:
        free = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, used = CGROUP / "memory.max", CGROUP / "memory.current"
    if limit.is_file() and used.is_file() and (text := limit.read_text(encoding="ascii").strip()).isdigit():
        free = min(free, int(text) - int(used.read_text(encoding="ascii")))
    return free / GIB
