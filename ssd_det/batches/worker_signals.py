"""What signals do in the workers of a data loader: the process that they work for ends them, and no other does.

Schedulers and terminals signal every process of a job. A worker that ended would be an error in the middle of a step,
just when the training is to come to the end of it.
"""

import os
import signal
import threading
from contextlib import AbstractContextManager
from multiprocessing import get_start_method, parent_process

from ssd_det.starting.parent import die_with
from ssd_det.stopping import STOP_SIGNALS, held_back

CAN_WAIT = hasattr(signal, "sigwaitinfo")
"""Windows has no such signals between processes, and macOS does not say who sent one."""


def sigterm_held_back() -> AbstractContextManager[None]:
    """Block SIGTERM in this thread while it starts workers, all of whose threads then begin with it blocked.

    Libraries start threads of their own in a process that was just forked; one that took the signal would end it.
    """
    return held_back((signal.SIGTERM,) if CAN_WAIT else ())


def leave_stopping_to_parent(worker: int) -> None:
    """Make a worker deaf to signals that stop commands, but for a SIGTERM of its parent, and have it end with that.

    torch has workers look for their parent every five seconds, and not while they read an image.

    Args:
        worker: its number.
    """
    parent = parent_process()
    if parent is not None and parent.pid is not None and get_start_method() == "fork":  # else another one started it
        die_with(parent.pid)
    for number in STOP_SIGNALS:
        if number != signal.SIGTERM:
            signal.signal(number, signal.SIG_IGN)
    if CAN_WAIT:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    while signal.sigwaitinfo({signal.SIGTERM}).si_pid != os.getppid():
        pass
    os._exit(0)
