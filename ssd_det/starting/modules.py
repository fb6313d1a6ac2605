"""Importing what takes seconds, in fewer of them."""

import gc
import sys
from importlib import import_module
from types import ModuleType

from ssd_det.memory import collection_paused


def imported(*names: str) -> list[ModuleType]:
    """Import modules that stay to the end of the process.

    As objects become many, Python looks through all of them for garbage, again and again. Imports leave hardly any:
    without that, torch and Lightning take an eighth less time. Nor are they looked through later, which would also copy
    the pages that a process shares with those that are forked from it.
    """
    if all(name in sys.modules for name in names):
        return [sys.modules[name] for name in names]
    with collection_paused():
        modules = [import_module(name) for name in names]
        gc.freeze()
    return modules
