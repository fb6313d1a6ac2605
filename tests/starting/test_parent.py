"""Processes of a stage end with the pipeline."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's prctl")
def test_a_process_of_a_stage_dies_with_the_pipeline():
    child = (
        "import time; from ssd_det.starting.parent import die_with_parent\n"
        "die_with_parent(); print(1, flush=True); time.sleep(3600)"
    )
    code = (
        "import os, subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}],"
        " env={**os.environ, 'SSD_DET_PIPELINE': str(os.getpid())}, stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(3600)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LOCAL_RANK"}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    child_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    while running(child_pid):
        time.sleep(0.05)


def running(pid):
    """Whether a process exists and is not merely waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
