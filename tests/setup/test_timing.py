"""Measuring the cost of training steps; ``test_init.py`` has what the command makes of it."""

import json
import runpy
import sys
from types import SimpleNamespace

import pytest
import torch

from ssd_det.setup import timing
from ssd_det.setup.core_time import CoreTime


def test_systems_without_the_module_resource_can_import_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "resource", None)
    runpy.run_path(timing.__file__)


def take_steps(monkeypatch, folder, count, seconds, had, waited):
    """The cost of steps of some seconds, in which threads had cores and waited for them, and how many were taken."""
    moments = [(step * seconds, CoreTime(step * had, step * waited)) for step in range(count)]
    clock = iter(moment for moment, _ in moments)
    shares = iter(share for _, share in moments)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(timing, "core_time", lambda: next(shares))
    timer, trainer = timing.StepTimer(str(folder / "cost.json")), SimpleNamespace(should_stop=False)
    module = SimpleNamespace(device=torch.device("cpu"))
    taken = 0
    while taken < count and not trainer.should_stop:
        timer.on_train_batch_end(trainer, module)
        taken += 1
    timer.on_train_end(trainer, module)
    return timing.Cost(**json.loads((folder / "cost.json").read_text())), taken


def test_steps_are_measured_on_the_cores_that_they_had(monkeypatch, tmp_path):
    free, _ = take_steps(monkeypatch, tmp_path, 6, seconds=1.0, had=1.0, waited=0.0)
    busy, _ = take_steps(monkeypatch, tmp_path, 6, seconds=4.0, had=1.0, waited=3.0)
    slow, _ = take_steps(monkeypatch, tmp_path, 6, seconds=4.0, had=4.0, waited=0.0)
    assert (free.seconds, free.slowdown) == (1.0, 1.0)
    assert (busy.seconds, busy.slowdown) == pytest.approx((1.0, 4.0))
    assert (slow.seconds, slow.slowdown) == (4.0, 1.0)


def test_slow_steps_are_few_and_fast_ones_many(monkeypatch, tmp_path):
    steps = timing.WARM_UP + timing.MOST_MEASURED
    _, slow = take_steps(monkeypatch, tmp_path, steps, seconds=60.0, had=60.0, waited=0.0)
    _, fast = take_steps(monkeypatch, tmp_path, steps, seconds=0.1, had=0.1, waited=0.0)
    assert (slow, fast) == (timing.WARM_UP + timing.LEAST_MEASURED, steps)
