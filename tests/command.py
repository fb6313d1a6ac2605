"""Running the installed command as a user does."""

import atexit
import os
import subprocess
import tempfile
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

from ssd_det.starting.starter import CAN_FORK, Starter
from tests.warm import GRACE_SECONDS, WarmStarter, start_warm_process

LIMITED = {"OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1", "COLUMNS": "200"}
ENVIRONMENT = {**os.environ, **LIMITED}  # before any test has changed it


@cache
def warm_process():
    """What the commands of all tests of this process are forked from."""
    process = start_warm_process(ENVIRONMENT)
    atexit.register(process.close)
    return process


def warm_starter(environment=None, **settings):
    """A starter of commands that are forked; see :class:`tests.warm.WarmStarter`."""
    if not CAN_FORK:
        pytest.skip("the processes of this test are forked, for which it takes Linux")
    return WarmStarter(warm_process(), ENVIRONMENT if environment is None else environment, **settings)


@cache
def starter():
    """Starts what :func:`ssd_det` runs."""
    starter = warm_starter() if CAN_FORK else Starter(ENVIRONMENT)
    atexit.register(starter.close)
    return starter


class SharedStarter:
    """Stands in for a pipeline's own, which would have to import torch for each test: asks the one of all tests."""

    def __init__(self, environment):
        pass

    def run(self, words):
        return starter().run(words)

    def close(self):
        pass


class Running:
    """A command that runs in a session of its own.

    Args:
        words: of the command.
        cwd: the folder that it works in.
        environment: of the command.
        settings: of its starter.
    """

    def __init__(self, *words, cwd=None, environment=None, **settings):
        self._starter = warm_starter(environment, **settings)
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 (a process writes to it)
        self._process = self._starter.start([*map(str, words)], cwd, self._printed, self._printed)
        self.pid, self.group = self._process.number, self._starter.server

    def poll(self):
        """Its exit code, or ``None`` while it runs."""
        try:
            return self._process.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self):
        """Its exit code, as soon as it has ended."""
        return self._process.wait()

    def send_signal(self, number):
        """Send it a signal, if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def left(self):
        """The states of the processes of its group that have not ended a while after it has."""
        deadline = time.monotonic() + GRACE_SECONDS
        while (states := self._states()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return states

    def _states(self):
        states = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):  # one ends meanwhile
                state, _, group, *_ = path.read_text().rpartition(")")[2].split()
                states += [state] if int(group) == self.group and state not in "ZX" else []
        return states

    def printed(self):
        """What it has printed, errors included, as soon as it has ended."""
        self.wait()
        self._starter.close()
        self._printed.seek(0)
        return self._printed.read().decode()


def ssd_det(*words, cwd=None):
    """Run ``ssd-det`` in a process of its own."""
    finished = starter().run([*map(str, words)], cwd)
    return subprocess.CompletedProcess(words, finished.code, finished.output, finished.errors)


def fails(capsys, code, message):
    """Check that a command ended with exit code 2 and one sentence on the error stream, without a traceback."""
    error = capsys.readouterr().err
    sentences = [line for line in error.splitlines() if line.startswith("ssd-det: error: ")]
    assert code == 2
    assert len(sentences) == 1
    assert message in sentences[0]
    assert "Traceback" not in error
