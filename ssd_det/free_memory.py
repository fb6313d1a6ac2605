"""How much main memory a process may still use: that of the machine, of its container and of its job on a cluster."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

GIB = 2**30
PROC = Path("/proc")
CONTROL_GROUPS = Path("/sys/fs/cgroup")


class _Files(NamedTuple):
    """Names of what a control group says of its memory, and of the entry of memory.stat with what can be given up."""

    limit: str
    used: str
    given_up: str


VERSION_1 = _Files("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
VERSION_2 = _Files("memory.max", "memory.current", "inactive_file")


def free_memory() -> float:
    """Main memory in GiB: what the system has left, but no more than each of the process's control groups allows."""
    return max(0, min([_left_in_system(), *_left_in_groups()])) / GIB


def _left_in_system() -> int:
    file = PROC / "meminfo"
    if not file.is_file():
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    lines = dict(line.split(":", 1) for line in file.read_text(encoding="ascii").splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def _left_in_groups() -> Iterator[int]:
    """What the process's own group and those above it have left, where they have a limit."""
    file = PROC / "self" / "cgroup"
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        files, root = (VERSION_1, CONTROL_GROUPS / "memory") if controllers else (VERSION_2, CONTROL_GROUPS)
        own = root / path.strip("/")
        for group in (own, *own.parents[: len(own.parts) - len(root.parts)]):  # a container sees its own as the root
            if (group / files.limit).is_file():
                yield from _left_in(group, files)


def _left_in(group: Path, files: _Files) -> Iterator[int]:
    limit, used = ((group / name).read_text(encoding="ascii").strip() for name in (files.limit, files.used))
    if limit.isdigit():
        lines = (group / "memory.stat").read_text(encoding="ascii").splitlines()
        given_up = dict(line.split() for line in lines).get(files.given_up, "0")
        yield int(limit) - int(used) + int(given_up)
