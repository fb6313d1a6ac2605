"""The process that commands are forked from: it has imported what they need, and does nothing but wait.

Nothing may run here that a fork would tear apart: no threads but those that a library stops for a fork, no CUDA; nor
may there be what the first command to end takes from all others, such as wandb's temporary folder.
"""

import atexit
import os
import runpy
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from typing import NoReturn

from ssd_det.starting.cores import THREADS
from ssd_det.starting.modules import imported
from ssd_det.starting.parent import PARENT, die_with_parent
from ssd_det.stopping import STOP_SIGNALS

PACKAGE = "ssd_det"
PRELOADED = ("ssd_det.cli", "albumentations")  # what trainings, refining and tests import, which takes seconds


@dataclass(frozen=True)
class Request:
    """What is asked of the server; the streams follow as descriptors.

    Attributes:
        words: of the command.
        folder: that it works in.
        streams: numbers of the streams of the command that the descriptors become, in their order.
        threads: of torch, where they are not those of the server.
    """

    words: Sequence[str]
    folder: str
    streams: Sequence[int]
    threads: int | None = None


def main(package: str = PACKAGE, preloaded: Sequence[str] = PRELOADED) -> None:
    """Serve the process that holds the other end of the connection, whose descriptor is the only word, to its end.

    Args:
        package: that is run as a command.
        preloaded: modules to import before.

    For each request the id of a new process is sent, or 0 where there can be none, and once that has ended its exit
    code, negative if a signal ended it. Until the next request its id is given to no other process.

    Whoever starts this has blocked the signals that stop commands: those that a terminal sends to all are not for this
    process, and a command that has just been forked gets its own once it can be stopped.
    """
    die_with_parent()
    connection = Connection(int(sys.argv[1]))
    imported(*preloaded)
    connection.send(os.getpid())
    serve(connection, partial(run_command, package=package))


def run_command(request: Request, descriptors: Sequence[int], package: str) -> NoReturn:
    """Run a command as a process does that was started for it.

    Args:
        request: what was asked.
        descriptors: of its streams.
        package: that is run as the command.
    """
    for descriptor, stream in zip(descriptors, request.streams, strict=True):
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.chdir(request.folder)
    os.environ[PARENT] = str(os.getppid())
    if request.threads is not None:
        _take_threads(request.threads)
    sys.argv[1:] = request.words
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    try:
        runpy.run_module(package, run_name="__main__", alter_sys=True)  # from which Lightning starts more processes
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _end(end.code or 0)
    _end(0)


def serve(connection: Connection, run: Callable[[Request, Sequence[int]], NoReturn]) -> NoReturn:
    """Fork commands until the process at the other end of the connection closes it or ends; see :func:`main`.

    Args:
        connection: to whoever asks.
        run: runs a command in a process that was forked for it.
    """
    while True:
        try:
            request = connection.recv()
            descriptors = [recv_handle(connection) for _ in request.streams]
        except EOFError:
            os._exit(0)
        try:
            process = os.fork()
        except OSError:
            connection.send(0)
            continue
        if not process:
            connection.close()
            run(request, descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
        connection.send(process)
        connection.send(_exit_code(process))
        connection.poll(None)  # whoever has the code sends no more signals
        os.waitpid(process, 0)


def _take_threads(count: int) -> None:
    """Let torch, which has taken those of the server as it was imported, take so many threads."""
    from torch import set_num_threads  # noqa: PLC0415 (the server has imported it, its tests need not)

    os.environ[THREADS] = str(count)
    set_num_threads(count)


def _end(code: int) -> NoReturn:
    """End this process as the interpreter does, but for taking apart all that has been imported.

    That takes a second, and copies the memory that is shared with the server.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]  # ends the idle threads of pools, and waits for others
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_code(process: int) -> int:
    """Wait for the end of a process, and leave it to be collected."""
    ended = os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)
    assert ended is not None  # as it may wait
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
