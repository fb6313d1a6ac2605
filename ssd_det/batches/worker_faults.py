"""What went wrong with the processes that read images, in sentences; nothing here imports torch."""

import errno
import os
import re
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")
MEGABYTE = 2**20
NO_PROCESS = {errno.EAGAIN, errno.ENOMEM}  # of a fork: too many processes, too little memory
ENDED = re.compile(r"DataLoader worker \(pid(?:\(s\))? (?P<pids>[\d, ]+)\)(?: is killed by signal: (?P<signal>[^.]+))?")
READ_HERE = "set data.num_workers to 0"


def why_worker_ended(error: BaseException) -> str | None:
    """The sentence for the error that torch raises when a process that reads images has ended.

    Args:
        error: raised anywhere in the main process, as torch raises it from the handler of a signal.

    Returns:
        ``None`` where the error is another one.
    """
    found = ENDED.match(str(error)) if isinstance(error, RuntimeError) else None
    if found is None:
        return None
    how = f"was killed ({found['signal']})" if found["signal"] else "ended"
    return (
        f"A process that reads images (pid {found['pids']}) {how}, most likely as memory or shared memory ran out: "
        f"lower data.num_workers or data.batch_size, give a container more shared memory (docker run --shm-size=2g), "
        f"or {READ_HERE}."
    )


def why_not_shared(error: Exception, needed: int) -> str:
    """The sentence for a batch that cannot be put into shared memory.

    Args:
        error: of torch.
        needed: bytes of all batches that wait at the same time.
    """
    if os.strerror(errno.EMFILE) in str(error):
        return f"Too many files are open to hand over batches: raise the limit (ulimit -n), or {READ_HERE}."
    return (
        f"There is too little shared memory for batches, which need about {-(-needed // MEGABYTE)} MB{_room()}: "
        f"give the container more (docker run --shm-size=2g), lower data.batch_size, or {READ_HERE}."
    )


def why_not_started(error: OSError) -> str:
    """The sentence for processes that read images and cannot be started."""
    if error.errno in NO_PROCESS:
        return (
            f"The processes that read images cannot be started ({error.strerror}): raise the limit of processes "
            f"(ulimit -u; docker run --pids-limit) or free memory, or {READ_HERE}."
        )
    return (
        f"The processes that read images cannot be started ({error.strerror}{_room()}): "
        f"give the container more shared memory (docker run --shm-size=2g), or {READ_HERE}."
    )


def _room() -> str:
    """How much shared memory there is, a clause; empty where the system does not say."""
    if not SHARED_MEMORY.is_dir():
        return ""
    disk = os.statvfs(SHARED_MEMORY)
    free, size = (blocks * disk.f_frsize // MEGABYTE for blocks in (disk.f_bavail, disk.f_blocks))
    return f"; {free} of the {size} MB of {SHARED_MEMORY} are free"
