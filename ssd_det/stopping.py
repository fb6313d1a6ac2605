"""Signals that end a command: one sentence and the exit code that shells expect, wherever it is."""

import os
import signal
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
    if hasattr(signal, name)  # Windows has no SIGHUP
)
CODE_OF_SIGNALS = 128  # what shells add to the number of the signal that ended a command
SAME_STOP_SECONDS = 5.0


class Stopped(SystemExit):
    """A signal asked the command to end.

    Args:
        number: of the signal.
        sentence: what to tell the user.
    """

    def __init__(self, number: int, sentence: str | None = None) -> None:
        super().__init__(CODE_OF_SIGNALS + number)
        self.number = number
        self.sentence = sentence or f"{stopped_by(number)}."


def stopped_by(number: int) -> str:
    """How a sentence about a stop begins."""
    return "stopped" if number == signal.SIGINT else f"stopped by {signal.Signals(number).name}"


def stop_of(code: int) -> Stopped | None:
    """The stop that a process ended with, if it was one.

    Args:
        code: its exit code, negative if a signal ended it.
    """
    number = -code if code < 0 else code - CODE_OF_SIGNALS
    return Stopped(number) if number in STOP_SIGNALS else None


class StopSignals:
    """While it is entered, SIGINT, SIGTERM and SIGHUP raise :class:`Stopped` in the main thread.

    A terminal and the pipeline may both send one, which are one stop: what cleans up after the first is left alone by
    others of the next seconds, but for a second Ctrl-C. Signals that were ignored (``nohup``) stay so.

    Attributes:
        received: the number of the first signal.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._since = 0.0
        self._process = os.getpid()
        self._before: dict[int, object] = {}

    def __enter__(self) -> "StopSignals":
        if threading.current_thread() is threading.main_thread():
            kept = [number for number in STOP_SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
            self._before = {number: signal.signal(number, self._stop) for number in kept}
        return self

    def __exit__(self, *exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:  # a worker that was forked: the process that it works for ends it
            return
        first, now = self.received is None, time.monotonic()
        if not first and number != signal.SIGINT and now < self._since + SAME_STOP_SECONDS:
            return
        self.received, self._since = self.received or number, now
        if number == getattr(signal, "SIGHUP", None):
            let_go_of_terminal()
        raise Stopped(number)


@contextmanager
def held_back(numbers: Collection[int] = STOP_SIGNALS) -> Iterator[None]:
    """Let signals wait to the end of a block, in this thread and in processes that it starts until these let them in.

    All threads of such a process begin with them blocked, those of libraries at a fork included.

    Args:
        numbers: of the signals; where there are none, systems without such masks will do.
    """
    if not numbers:
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def let_go_of_terminal() -> None:
    """Send to nowhere what would go to a terminal that has been closed, where writing is an error."""
    for descriptor in (1, 2):
        try:
            os.write(descriptor, b"")
        except OSError:
            with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (no file)
                os.dup2(nowhere.fileno(), descriptor)


def is_first_process() -> bool:
    """Whether this process speaks for all processes of a training; environment variables tell before torch does."""
    ranks = (os.environ.get(name) for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"))
    return next((rank for rank in ranks if rank), "0") == "0"
