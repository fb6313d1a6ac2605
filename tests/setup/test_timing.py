"""Measuring the cost of training steps; ``test_init.py`` has what the command makes of it."""

import runpy
import sys

from ssd_det.setup import timing


def test_systems_without_the_module_resource_can_import_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    runpy.run_path(timing.__file__)
