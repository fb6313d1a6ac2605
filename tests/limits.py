"""Disks that are full, for a block of a test or for a process."""

import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager

import pytest

from tests.command import LIMITED


@contextmanager
def files_of_at_most(size):
    """No file may grow beyond some bytes, as on a disk with so much room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def ssd_det_with_disk(folder, options, *words, cwd, **environment):
    """Run ``ssd-det`` where a folder is a disk of its own, in a mount namespace that nobody else sees.

    The last line of what it prints names the files that are left on that disk.
    """
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("mount namespaces are forbidden here")
    folder.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o {options} tmpfs "$0" && "$@"; code=$?; cd "$0"; echo $(find . -type f); exit $code'
    command = [sys.executable, "-P", "-m", "ssd_det", *map(str, words)]
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, str(folder), *command],
        cwd=cwd,
        env={**os.environ, **LIMITED, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
