"""The processes of a run: one at a time, and none that outlives the pipeline."""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from ssd_det.errors import InputError

PARENT = "SSD_DET_PIPELINE"
PARENT_DEATH_SIGNAL = 1  # of Linux's prctl
GRACE_SECONDS = 10
# The folder of a stage holds its record before anything is logged there.
EXPECTED_WARNINGS = ("ignore:Experiment logs directory",)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a run folder, which the system frees when this process ends, however it does.

    Raises:
        InputError: if another process holds it.
    """
    with (folder / ".lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise InputError(
                f"{folder}: is in use by process {file.read().strip()}: wait for it, or give another output."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def die_with_parent() -> None:
    """End this process when the one that started it ends, if that is a pipeline or a rank of its stage."""
    parent = os.environ.get(PARENT)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
    is_rank = "LOCAL_RANK" in os.environ  # started by the stage's first process
    if not is_rank and os.getppid() != int(parent):  # ended before the line above
        os.kill(os.getpid(), signal.SIGKILL)


class Processes:
    """Runs commands of ``ssd-det``, and knows how long they took.

    Attributes:
        seconds: wall time in which at least one process was running.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def run(self, words: Sequence[str]) -> int:
        """Run a command to its end; its output goes where ours goes.

        Returns:
            Its exit code, negative if a signal ended it.
        """
        started = time.monotonic()
        sys.stdout.flush()
        process = subprocess.Popen(_command(words), env=_environment())
        try:
            return process.wait()
        except KeyboardInterrupt:
            _end(process)
            raise
        finally:
            self.seconds += time.monotonic() - started

    def ask(self, questions: Mapping[str, Sequence[str]]) -> dict[str, str]:
        """Run commands beside each other.

        Args:
            questions: the words of each command, by name.

        Returns:
            What each printed, by name.

        Raises:
            InputError: with what it said, if one fails.
        """
        started = time.monotonic()
        asked = {
            name: subprocess.Popen(
                _command(words), env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for name, words in questions.items()
        }
        try:
            answers = {name: process.communicate() for name, process in asked.items()}
        except KeyboardInterrupt:
            for process in asked.values():
                _end(process)
            raise
        self.seconds += time.monotonic() - started
        for name, process in asked.items():
            if process.returncode:
                before, found, error = answers[name][1].rpartition("error: ")
                said = error if found else before.rstrip().rpartition("\n")[2]
                raise InputError(f"The configuration of {name} cannot be used: {' '.join(said.split())}")
        return {name: printed for name, (printed, _) in answers.items()}


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "ssd_det", *words]


def _environment() -> dict[str, str]:
    warnings = ",".join([*filter(None, [os.environ.get("PYTHONWARNINGS")]), *EXPECTED_WARNINGS])
    return {**os.environ, PARENT: str(os.getpid()), "PYTHONWARNINGS": warnings}


def _end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process that may be ending by itself, as the terminal interrupts it as well."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
