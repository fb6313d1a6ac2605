"""Running the installed command as a user does."""

import atexit
import os
import subprocess
from functools import cache

from ssd_det.starting.starter import Starter

LIMITED = {"OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1", "COLUMNS": "200"}
ENVIRONMENT = {**os.environ, **LIMITED}  # before any test has changed it


@cache
def starter():
    """Forks the commands of all tests of this process, which saves each the seconds that torch takes to import."""
    starter = Starter(ENVIRONMENT)
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
