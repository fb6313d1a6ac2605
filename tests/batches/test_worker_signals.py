"""Workers of a data loader outlive signals that are meant for their parent, and not the parent."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from select import select

import pytest
from torch.utils.data import Dataset

from ssd_det.batches.image_loader import ImageLoader
from ssd_det.batches.worker_signals import leave_stopping_to_parent
from ssd_det.stopping import STOP_SIGNALS

needs_fork = pytest.mark.skipif(multiprocessing.get_start_method() != "fork", reason="workers are forked here")


class Signalled(Dataset[int]):
    """Samples whose worker is signalled by another process before each but the first."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index:
            name = STOP_SIGNALS[index - 1].name
            code = f"import os, signal; os.kill({os.getpid()}, signal.{name})"
            subprocess.run([sys.executable, "-c", code], check=True)
        return index


def test_a_worker_goes_on_after_signals_of_others():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert list(ImageLoader(Signalled(), batch_size=None, num_workers=1)) == [0, 1, 2, 3]
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@needs_fork
def test_threads_that_began_with_the_worker_do_not_take_the_signal():
    """As some libraries start them; it takes several for one to be likely to be chosen."""
    wanted = [True]  # a hook cannot be taken back

    def start_threads():
        for _ in range(8 if wanted else 0):
            threading.Thread(target=threading.Event().wait, daemon=True).start()

    os.register_at_fork(after_in_child=start_threads)
    try:
        assert list(ImageLoader(Signalled(), batch_size=None, num_workers=1)) == [0, 1, 2, 3]
    finally:
        wanted.clear()


def test_its_parent_ends_it():
    child = os.fork()
    if not child:
        leave_stopping_to_parent(0)
        signal.pause()
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGTERM)  # the signal may come first


@needs_fork
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's prctl")
def test_one_that_reads_for_ever_ends_with_its_parent():
    reading, writing = os.pipe()
    parent = os.fork()
    if not parent:
        list(ImageLoader(Endless(writing), batch_size=None, num_workers=1))
    worker = os.pidfd_open(int(os.read(reading, 100)))
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    ended = bool(select([worker], [], [], 60)[0])
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(worker, signal.SIGKILL)
    for descriptor in (reading, writing, worker):
        os.close(descriptor)
    assert ended


class Endless(Dataset[int]):
    """A sample that takes for ever to read; says who reads it."""

    def __init__(self, writing):
        self._writing = writing

    def __len__(self):
        return 1

    def __getitem__(self, index):
        os.write(self._writing, str(os.getpid()).encode())
        threading.Event().wait()
