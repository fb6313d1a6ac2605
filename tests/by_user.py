"""``ssd-det`` as a user gives the command, not another one of ours: run in a process that :mod:`tests.warm` forks."""

import os
import runpy

from ssd_det.starting.fork_server import PACKAGE
from ssd_det.starting.parent import PARENT, die_with_parent

if __name__ == "__main__":
    die_with_parent()  # where the tests are killed, no command goes on
    del os.environ[PARENT]
    runpy.run_module(PACKAGE, run_name="__main__", alter_sys=True)
