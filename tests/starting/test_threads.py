"""Threads that cannot be started end in a sentence; those of other libraries than torch are not started."""

import os
import subprocess
import sys
from threading import Thread, active_count

import pytest

from ssd_det.errors import InputError
from ssd_det.starting.threads import check_threads

SHOW = """
import os, ssd_det.main, torch, numpy, scipy.linalg, cv2, albumentations, ssd_det.cli
torch.ones(300, 300) @ torch.ones(300, 300)
torch.ones(1000, 1000).exp()
numpy.ones((300, 300)) @ numpy.ones((300, 300))
scipy.linalg.cholesky(numpy.eye(300))
cv2.GaussianBlur(numpy.ones((2000, 2000), dtype=numpy.uint8), (9, 9), 2)
print(len(os.listdir("/proc/self/task")), cv2.getNumThreads())
"""
NAMES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")


@pytest.mark.parametrize("allowed", [0, 2])
def test_threads_that_cannot_be_started_are_told_and_ended(monkeypatch, allowed):
    before = active_count()
    check_threads(3)
    start = Thread.start

    def limited(thread):
        if active_count() - before == allowed:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(Thread, "start", limited)
    check_threads(allowed)
    with pytest.raises(InputError, match=r"raise the limit of processes and threads \(ulimit -u"):
        check_threads(3)
    assert active_count() == before


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not show the threads of a process so")
@pytest.mark.parametrize(("given", "threads"), [({}, 1), ({"OPENCV_FOR_THREADS_NUM": "2"}, 2)])
def test_only_torch_has_threads_unless_the_user_wants_others(given, threads):
    environment = {name: value for name, value in os.environ.items() if name not in NAMES}
    environment |= {"OMP_NUM_THREADS": "2", **given}
    result = subprocess.run([sys.executable, "-c", SHOW], env=environment, check=True, capture_output=True, text=True)
    running, of_opencv = map(int, result.stdout.split())
    assert of_opencv == threads
    assert running == 2 + threads - 1, "torch's two, and those of OpenCV that are wanted"
