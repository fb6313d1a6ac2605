"""The processes of a run: one at a time, and none that outlives the pipeline."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence

from ssd_det.errors import InputError
from ssd_det.pipeline.parent import PARENT

GRACE_SECONDS = 10


class Processes:
    """Runs commands of ``ssd-det``, and measures how long they take.

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
                _command(words), env=_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            for name, words in questions.items()
        }
        try:
            answers = {name: process.communicate() for name, process in processes.items()}
        except KeyboardInterrupt:
            for process in processes.values():
                _end(process)
            raise
        self.seconds += time.monotonic() - started
        for name, process in processes.items():
            if process.returncode:
                raise InputError(f"The configuration of {name} cannot be used: {_message(answers[name][1])}")
        return {name: printed for name, (printed, _) in answers.items()}


def _message(errors: str) -> str:
    """What went wrong, from the error stream of a command: what follows ``error:``, or else the last line."""
    before, marker, message = errors.rpartition("error: ")
    return " ".join((message if marker else before.rstrip().rpartition("\n")[2]).split())


def _command(words: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "ssd_det", *words]


def _environment() -> dict[str, str]:
    return {**os.environ, PARENT: str(os.getpid())}


def _end(process: "subprocess.Popen[str] | subprocess.Popen[bytes]") -> None:
    """End a process that may be ending by itself, as the terminal interrupts it as well."""
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
