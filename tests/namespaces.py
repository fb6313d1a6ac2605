"""Namespaces that a server of commands enters before it forks any, as ``unshare`` does for a program that it starts."""

import ctypes
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

NEW_NAMESPACE, NEW_USER, NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000  # of unshare(2)
PRIVATE = 0x4000 | 0x40000  # of mount(2): what is mounted is seen nowhere else


def _call(name, *arguments):
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def _unshare(kinds):
    """Enter namespaces as their root."""
    user, group = os.getuid(), os.getgid()
    _call("unshare", NEW_USER | kinds)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {user} 1")
    Path("/proc/self/gid_map").write_text(f"0 {group} 1")


def with_disk(folder, options):
    """Make a folder a disk of its own, which nobody else sees.

    Args:
        folder: of the disk.
        options: of the tmpfs.
    """
    _unshare(NEW_NAMESPACE)
    _call("mount", b"none", b"/", None, PRIVATE, None)
    _call("mount", b"tmpfs", os.fsencode(folder), b"tmpfs", *_mount_options(options))


def _mount_options(options):
    """Flags and data of mount(2)."""
    words = options.split(",")
    return ctypes.c_ulong(int("ro" in words)), ",".join(word for word in words if word != "ro").encode()


def alone():
    """Be where there is no network and no input."""
    _unshare(NEW_NETWORK)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)


@cache
def is_allowed(kinds):
    """Whether namespaces of some kinds can be entered here, found out by a process that has just begun."""
    tried = subprocess.run([sys.executable, "-I", "-S", __file__, str(kinds)], check=False, capture_output=True)
    return tried.returncode == 0


if __name__ == "__main__":
    _unshare(int(sys.argv[1]))
