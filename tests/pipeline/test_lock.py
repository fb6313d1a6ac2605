"""One pipeline at a time in a run's folder."""

import os
import signal
import subprocess
import sys

import pytest

from ssd_det.errors import InputError
from ssd_det.pipeline.lock import locked


def lock_and_release(folder):
    with locked(folder):
        pass


def test_a_lock_keeps_others_out_and_names_its_holder(tmp_path):
    message = f"is in use by process {os.getpid()}: wait for it, or give another output"
    with locked(tmp_path):
        for _ in range(2):
            with pytest.raises(InputError, match=message):
                lock_and_release(tmp_path)
    lock_and_release(tmp_path)


def test_a_lock_is_freed_when_the_work_fails(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path):
        raise KeyError
    lock_and_release(tmp_path)


def test_a_holder_that_has_not_written_its_id_is_another_process(tmp_path):
    with locked(tmp_path):
        for text in ("", None):
            (tmp_path / ".lock.pid").unlink()
            if text is not None:
                (tmp_path / ".lock.pid").write_text(text)
            with pytest.raises(InputError, match="is in use by another process: wait"):
                lock_and_release(tmp_path)
            (tmp_path / ".lock.pid").touch()


def test_a_lock_ends_with_its_process(tmp_path):
    code = (
        "import sys, time, pathlib; from ssd_det.pipeline.lock import locked\n"
        f"with locked(pathlib.Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(3600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"is in use by process {holder.pid}"):
        lock_and_release(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    lock_and_release(tmp_path)
