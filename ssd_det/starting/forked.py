"""A command that the fork server has forked, seen from the process that asked for it."""

import os
import signal
import subprocess
from multiprocessing.connection import Connection

from ssd_det.stopping import held_back


class ForkedProcess:
    """A command that runs; see :class:`ssd_det.starting.starter.Started`.

    Args:
        number: the id of the process, which is no other one's until the server is asked for the next.
        connection: to the server, which sends the exit code.
    """

    def __init__(self, number: int, connection: Connection) -> None:
        self.number = number
        self._connection = connection
        self._code: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit code, negative if a signal ended it.

        Args:
            timeout: in seconds.

        Raises:
            TimeoutExpired: if it has not ended by then.
        """
        if self._code is None:
            if not self._connection.poll(timeout):
                raise subprocess.TimeoutExpired(f"process {self.number}", timeout or 0.0)
            try:
                with held_back():
                    self._code = self._connection.recv()
            except (EOFError, OSError):  # the server was killed, and its commands with it
                self._code = -signal.SIGKILL
        return self._code

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """Send it SIGKILL."""
        self._send(signal.SIGKILL)

    def _send(self, number: int) -> None:
        if self._code is None:
            os.kill(self.number, number)
