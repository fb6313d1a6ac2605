"""Disks that are full, for a block of a test or for a process."""

import resource
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.command import ENVIRONMENT, warm_starter
from tests.namespaces import NEW_NAMESPACE, is_allowed, with_disk
from tests.warm import AS_USER


@contextmanager
def files_of_at_most(size):
    """No file may grow beyond some bytes, as on a disk with so much room."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def ssd_det_with_disk(folder, options, *words, cwd, package=AS_USER, **environment):
    """Run ``ssd-det``, or another package, where a folder is a disk of its own that nobody else sees.

    Returns:
        How it ended, and the files that are left on that disk.
    """
    if not is_allowed(NEW_NAMESPACE):
        pytest.skip("mount namespaces are forbidden here")
    folder.mkdir(parents=True, exist_ok=True)
    prepare = partial(with_disk, folder, options)
    with warm_starter({**ENVIRONMENT, **environment}, package=package, prepare=prepare) as starter:
        finished = starter.run([*map(str, words)], cwd)
        disk = Path(f"/proc/{starter.server}/root", *folder.absolute().parts[1:])
        left = {str(path.relative_to(disk)) for path in disk.rglob("*") if path.is_file()}
    return finished, left
