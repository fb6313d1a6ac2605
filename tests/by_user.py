"""``ssd-det`` as a user gives the command, not another one of ours: run in a process that :mod:`tests.warm` forks."""

import os
import runpy

from ssd_det.starting.parent import PARENT
from tests.warm import PACKAGE

if __name__ == "__main__":
    del os.environ[PARENT]
    runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)
