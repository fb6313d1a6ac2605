import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ssd_det.errors import InputError
from ssd_det.pipeline.processes import Processes, locked


def test_a_lock_keeps_others_out_and_names_its_holder(tmp_path):
    with (
        locked(tmp_path),
        pytest.raises(InputError, match=f"is in use by process {os.getpid()}: wait"),
        locked(tmp_path),
    ):
        pass
    with locked(tmp_path):
        pass


def test_a_lock_dies_with_its_process(tmp_path):
    code = (
        "import sys, time, pathlib; from ssd_det.pipeline.processes import locked\n"
        f"with locked(pathlib.Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"is in use by process {holder.pid}"), locked(tmp_path):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        pass


def test_what_a_failing_question_said_is_told():
    with pytest.raises(InputError, match=r"The configuration of refine cannot be used: .*none\.yaml"):
        Processes().ask({"refine": ["fit", "--config=none.yaml", "--print_config"]})


def test_codes_and_times_are_known():
    processes = Processes()
    assert processes.run(["check-annotations", "none.json", "--image_root=."]) == 2
    assert processes.seconds > 0


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's prctl")
def test_a_process_of_a_stage_dies_with_the_pipeline():
    child = (
        "import time; from ssd_det.pipeline.processes import die_with_parent\n"
        "die_with_parent(); print(1, flush=True); time.sleep(60)"
    )
    code = (
        "import os, subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {child!r}],"
        " env={**os.environ, 'SSD_DET_PIPELINE': str(os.getpid())}, stdout=subprocess.PIPE)\n"
        "p.stdout.readline(); print(p.pid, flush=True); time.sleep(60)"
    )
    environment = {key: value for key, value in os.environ.items() if key != "LOCAL_RANK"}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
    child_pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(100):
        if not running(child_pid):
            break
        time.sleep(0.05)
    assert not running(child_pid)


def running(pid):
    """Whether a process is there and not merely waiting to be collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
