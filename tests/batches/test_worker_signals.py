"""Workers of a data loader outlive signals that are meant for their parent, and not the parent."""

import os
import signal
import subprocess
import sys

from torch.utils.data import DataLoader, Dataset

from ssd_det.batches.worker_signals import leave_stopping_to_parent
from ssd_det.stopping import STOP_SIGNALS


class Signalled(Dataset[int]):
    """Samples whose worker is signalled by another process before each but the first."""

    def __len__(self):
        return 4

    def __getitem__(self, index):
        if index:
            name = STOP_SIGNALS[index - 1].name
            code = f"import os, signal; os.kill({os.getpid()}, signal.{name})"
            subprocess.run([sys.executable, "-c", code], check=True)
        return index


def test_a_worker_goes_on_after_signals_of_others():
    loader = DataLoader(Signalled(), batch_size=None, num_workers=1, worker_init_fn=leave_stopping_to_parent)
    assert list(loader) == [0, 1, 2, 3]


def test_its_parent_ends_it():
    child = os.fork()
    if not child:
        leave_stopping_to_parent(0)
        signal.pause()
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGTERM)  # the signal may come first
