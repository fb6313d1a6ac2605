"""Starting commands of ``ssd-det``: warm, forked from a process that has imported what they need, or else anew."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from multiprocessing.reduction import send_handle
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from ssd_det.errors import InputError
from ssd_det.starting.cores import THREADS
from ssd_det.starting.fork_server import PACKAGE, Request
from ssd_det.starting.forked import ForkedProcess
from ssd_det.starting.parent import PARENT
from ssd_det.stopping import held_back

CAN_FORK = sys.platform == "linux"
"""Only there a process dies with its parent; and macOS kills processes that have forked after some of its libraries."""
STANDARD_OUTPUT, STANDARD_ERROR = 1, 2
GRACE_SECONDS = 1.0
SERVER = "from ssd_det.starting.fork_server import main; main()"
SLOW = ("fit", "refine-annotations", "validate", "test", "predict")
"""Commands that import torch and Lightning. The first of them is worth a process that all are forked from."""
LOST = (EOFError, OSError)  # what talking to a process raises that has ended


class Started(Protocol):
    """A command that runs, as :class:`subprocess.Popen` has it."""

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code, negative if a signal ended it."""

    def terminate(self) -> None:
        """Send it SIGTERM."""

    def kill(self) -> None:
        """Send it SIGKILL."""


@dataclass(frozen=True)
class Finished:
    """How a command ended.

    Attributes:
        code: its exit code, negative if a signal ended it.
        errors: what it wrote to standard error.
        output: what it printed.
    """

    code: int
    errors: str = ""
    output: str = ""


class Starter:
    """Starts commands one after the other; they end with this process, even if it is killed.

    The first that needs torch starts the process that all are forked from. Where there can be none, or it has been
    killed, each command is started anew, which takes seconds more.

    Args:
        environment: of the commands; that of this process where not given.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self.environment: dict[str, str] = {
            **(os.environ if environment is None else environment),
            PARENT: str(os.getpid()),
        }
        self._server: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._can_fork = CAN_FORK

    def __enter__(self) -> "Starter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def run(self, words: Sequence[str], folder: Path | None = None) -> Finished:
        """Run a command to its end.

        Args:
            words: of the command.
            folder: that it works in; that of this process where not given.

        Raises:
            InputError: if it cannot be started.
        """
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = self.start(words, folder, output, errors)
            try:
                code = process.wait()
            except BaseException:
                process.kill()
                process.wait()
                raise
            return Finished(code, _text(errors), _text(output))

    def start(
        self,
        words: Sequence[str],
        folder: Path | None = None,
        output: IO[bytes] | None = None,
        errors: IO[bytes] | None = None,
        threads: int | None = None,
    ) -> Started:
        """Start a command, after the one before has ended.

        Args:
            words: of the command.
            folder: that it works in; that of this process where not given.
            output: where its output goes; where ours goes if not given.
            errors: the same for standard error.
            threads: of torch, where they are not those of the environment.

        Raises:
            InputError: if it cannot be started.
        """
        sys.stdout.flush()
        number = {} if threads is None else {THREADS: str(threads)}
        try:
            is_forked = self._can_fork and (words[0] in SLOW or self._connection is not None)
            forked = self._fork(words, folder, output, errors, threads) if is_forked else None
            return forked or subprocess.Popen(
                [sys.executable, "-P", "-m", PACKAGE, *words],
                cwd=folder,
                env=self.environment | number,
                stdout=output,
                stderr=errors,
            )
        except OSError as error:
            raise InputError(
                f"No more processes can be started ({error.strerror}): raise the limit of processes (ulimit -u) or "
                f"free memory, and give the command again."
            ) from None

    def close(self) -> None:
        """End the process that commands are forked from, and what runs of them."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._server is not None:
            try:
                self._server.wait(GRACE_SECONDS)  # it ends by itself, unless a command still runs or imports do
            except subprocess.TimeoutExpired:
                self._server.kill()
                self._server.wait()
            self._server = None

    def _fork(
        self,
        words: Sequence[str],
        folder: Path | None,
        output: IO[bytes] | None,
        errors: IO[bytes] | None,
        threads: int | None,
    ) -> ForkedProcess | None:
        """Have a command forked; ``None`` if it could not be.

        Raises:
            OSError: if no process can be started.
        """
        connection = self._connection or self._start_server()
        streams = {STANDARD_OUTPUT: output, STANDARD_ERROR: errors}
        given = {number: stream.fileno() for number, stream in streams.items() if stream is not None}
        process = 0
        with suppress(*LOST), held_back():
            connection.send(Request(list(words), str(folder or Path.cwd()), list(given), threads))
            for descriptor in given.values():
                send_handle(connection, descriptor, None)
            process = connection.recv()
        if process:
            return ForkedProcess(process, connection)
        self._can_fork = False
        self.close()
        return None

    def _start_server(self) -> Connection:
        """Start the process that commands are forked from, and wait until it has imported what they need."""
        self._connection, theirs = Pipe()
        with theirs, held_back():
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-c", SERVER, str(theirs.fileno())],
                env=self.environment,
                pass_fds=[theirs.fileno()],
            )
        with suppress(*LOST):
            self._connection.recv()
        return self._connection


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")
