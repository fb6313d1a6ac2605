"""The processes that a lane of a run has: one at a time, and none that outlives the pipeline."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from ssd_det.errors import InputError
from ssd_det.starting.cores import THREADS, usable_cores
from ssd_det.starting.starter import Started, Starter
from ssd_det.stopping import Stopped, stop_of

GRACE_SECONDS = 60  # a training ends its step and writes a checkpoint


class Processes:
    """Runs commands of ``ssd-det``, and measures how long they take.

    Args:
        temporary: the folder of their temporary files; the system's where not given.
        threads: of torch in each, unless the user has set a number; as many as torch takes where not given.

    Attributes:
        seconds: wall time in which a process was running.
    """

    def __init__(self, temporary: Path | None = None, threads: int | None = None) -> None:
        own = {} if temporary is None else {"TMPDIR": str(temporary)}
        number = {} if threads is None else {THREADS: str(threads)}
        self._shares_cores = threads is not None and THREADS not in os.environ
        self._starter = Starter({**number, **os.environ, **own})
        self._running: Started | None = None
        self._is_stopped = False
        self._starting = threading.Lock()
        self.seconds = 0.0

    def __enter__(self) -> "Processes":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._starter.close()

    def run(self, words: Sequence[str], on_all_cores: bool = False) -> int:
        """Run a command to its end; its output goes where ours goes.

        Args:
            words: of the command.
            on_all_cores: whether it has the cores to itself, so that torch takes a thread for each.

        Returns:
            Its exit code, negative if a signal ended it.

        Raises:
            Stopped: if a signal stops this process, or another thread has stopped these processes.
        """
        started = time.monotonic()
        with self._starting:
            if self._is_stopped:
                raise Stopped(signal.SIGTERM)
            threads = usable_cores() if on_all_cores and self._shares_cores else None
            process = self._running = self._starter.start(words, threads=threads)
        try:
            return process.wait()
        except Stopped:
            _end(process)
            raise
        finally:
            self._running = None
            self.seconds += time.monotonic() - started

    def terminate(self) -> None:
        """Send SIGTERM to what another thread runs, and let it run nothing more."""
        with self._starting:
            self._is_stopped = True
            if self._running is not None:
                self._running.terminate()

    def kill(self) -> None:
        """Send SIGKILL to what another thread runs."""
        if (process := self._running) is not None:
            process.kill()

    def ask(self, questions: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Run commands.

        Args:
            questions: the words of each command, by name.

        Returns:
            What each printed, by name.

        Raises:
            InputError: with its error message, if one fails.
        """
        answers = {}
        for name, words in questions.items():
            started = time.monotonic()
            finished = self._starter.run(words)
            self.seconds += time.monotonic() - started
            if finished.code:
                check_not_signalled(finished.code, f"The process that reads the configuration of {name}")
                message = _message(finished.errors) or f"its process ended with code {finished.code}."
                raise InputError(f"The configuration of {name} cannot be used: {message}")
            answers[name] = finished.output
        return answers


def check_ended(code: int, process: str, advice: str = "free memory") -> None:
    """Make sure that a process came to its end.

    Args:
        code: its exit code, negative if a signal ended it.
        process: what a sentence calls it.
        advice: what to do where memory has run out.

    Raises:
        Stopped: if a signal stopped it.
        InputError: if it was killed.
        SystemExit: with its code, if it failed.
    """
    check_not_signalled(code, process, advice)
    if code:
        raise SystemExit(code)


def check_not_signalled(code: int, process: str, advice: str = "free memory") -> None:
    """Make sure that no signal ended a process; see :func:`check_ended`."""
    stop = stop_of(code)
    if stop is not None:
        raise stop
    if code < 0:
        raise InputError(
            f"{process} was ended by signal {-code} (out of memory?): {advice}; the same command goes on from here."
        )


def _message(errors: str) -> str:
    """What went wrong, from the error stream of a command: what follows ``error:``, or else the last line."""
    before, marker, message = errors.rpartition("error: ")
    return " ".join((message if marker else before.rstrip().rpartition("\n")[2]).split())


def _end(process: Started) -> None:
    """End a process that may be ending by itself, as terminals and schedulers signal it as well."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
