"""Running the installed command as a user does."""

import os
import subprocess
import sys

LIMITED = {"OMP_NUM_THREADS": "1", "NO_ALBUMENTATIONS_UPDATE": "1", "COLUMNS": "200"}


def ssd_det(*words, cwd=None):
    """Run ``python -m ssd_det`` in a process of its own."""
    command = [sys.executable, "-m", "ssd_det", *map(str, words)]
    return subprocess.run(
        command, cwd=cwd, env={**os.environ, **LIMITED}, capture_output=True, text=True, timeout=500, check=False
    )


def fails(capsys, code, message):
    """Check that a command ended with exit code 2 and one sentence on the error stream, without a traceback."""
    error = capsys.readouterr().err
    sentences = [line for line in error.splitlines() if line.startswith("ssd-det: error: ")]
    assert code == 2
    assert len(sentences) == 1
    assert message in sentences[0]
    assert "Traceback" not in error
