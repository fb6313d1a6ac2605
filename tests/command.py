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
