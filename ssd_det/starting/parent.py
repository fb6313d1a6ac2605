"""What a process does at its start, so that it does not outlive the command that started it.

Every command imports this, so it imports nothing that takes time.
"""

import ctypes
import os
import signal
import sys

PARENT = "SSD_DET_PIPELINE"
"""The environment variable that holds the id of the process that started this one."""
PARENT_DEATH_SIGNAL = 1  # of Linux's prctl


def die_with(process: int) -> None:
    """End this process, whatever it does then, when the one that it is a child of ends; only Linux can.

    Args:
        process: the id of the one that started it, which may have ended by now.
    """
    if sys.platform != "linux":
        return
    _ask_for_signal()
    if os.getppid() != process:  # ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)


def die_with_parent() -> None:
    """End this process when the one that started it ends, if that is one of our commands, or a rank of its training."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    if "LOCAL_RANK" in os.environ:  # started by the first process of the stage, whose id it is not told
        _ask_for_signal()
    else:
        die_with(int(parent))


def _ask_for_signal() -> None:
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
