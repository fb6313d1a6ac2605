"""The processes of a run: one at a time, and none that outlives the pipeline."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from ssd_det.errors import InputError
from ssd_det.pipeline.parent import PARENT
from ssd_det.stopping import Stopped, stop_of

GRACE_SECONDS = 60  # a training ends its step and writes a checkpoint


class Processes:
    """Runs commands of ``ssd-det``, and measures how long they take.

    Args:
        temporary: the folder of their temporary files; the system's where not given.

    Attributes:
        seconds: wall time in which at least one process was running.
    """

    def __init__(self, temporary: Path | None = None) -> None:
        self.temporary = temporary
        self.seconds = 0.0

    def run(self, words: Sequence[str]) -> int:
        """Run a command to its end; its output goes where ours goes.

        Returns:
            Its exit code, negative if a signal ended it.
        """
        started = time.monotonic()
        sys.stdout.flush()
        process = subprocess.Popen(_command(words), env=self._environment())
        try:
            return process.wait()
        except Stopped:
            _end(process)
            raise
        finally:
            self.seconds += time.monotonic() - started

    def ask(self, questions: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Run commands at the same time.

        Args:
            questions: the words of each command, by name.

        Returns:
            What each printed, by name.

        Raises:
            InputError: with its error message, if one fails.
        """
        started = time.monotonic()
        processes = {
            name: subprocess.Popen(
                _command(words), env=self._environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for name, words in questions.items()
        }
        try:
            answers = {name: process.communicate() for name, process in processes.items()}
        except Stopped:
            _end(*processes.values())
            raise
        self.seconds += time.monotonic() - started
        for name, process in processes.items():
            if process.returncode:
                check_not_signalled(process.returncode, f"The process that reads the configuration of {name}")
                message = _message(answers[name][1]) or f"its process ended with code {process.returncode}."
                raise InputError(f"The configuration of {name} cannot be used: {message}")
        return {name: printed for name, (printed, _) in answers.items()}

    def _environment(self) -> dict[str, str]:
        temporary = {} if self.temporary is None else {"TMPDIR": str(self.temporary)}
        return {**os.environ, **temporary, PARENT: str(os.getpid())}


def check_ended(code: int, process: str) -> None:
    """Make sure that a process came to its end.

    Args:
        code: its exit code, negative if a signal ended it.
        process: what a sentence calls it.

    Raises:
        Stopped: if a signal stopped it.
        InputError: if it was killed.
        SystemExit: with its code, if it failed.
    """
    check_not_signalled(code, process)
    if code:
        raise SystemExit(code)


def check_not_signalled(code: int, process: str) -> None:
    """Make sure that no signal ended a process; see :func:`check_ended`."""
    stop = stop_of(code)
    if stop is not None:
        raise stop
    if code < 0:
        raise InputError(f"{process} was ended by signal {-code} (out of memory?): the same command goes on from here.")


def _message(errors: str) -> str:
    """What went wrong, from the error stream of a command: what follows ``error:``, or else the last line."""
    before, marker, message = errors.rpartition("error: ")
    return " ".join((message if marker else before.rstrip().rpartition("\n")[2]).split())


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-P", "-m", "ssd_det", *words]


def _end(*processes: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End processes that may be ending by themselves, as terminals and schedulers signal them as well."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
