"""Stages side by side, and how they end together."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ssd_det.errors import InputError
from ssd_det.pipeline.side_by_side import Lanes
from ssd_det.pipeline.stage import Stage
from ssd_det.starting.cores import usable_cores
from ssd_det.starting.starter import Starter
from ssd_det.stopping import Stopped, StopSignals
from tests.command import ssd_det
from tests.starting.test_parent import running

SLEEP = [sys.executable, "-c", "import time; time.sleep(3600)"]


@pytest.fixture
def chain(tmp_path):
    """Two stages that read nothing of each other, and one that reads what the first leaves."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    noisy = tmp_path / "noisy.json"
    inputs = {first: noisy, second: noisy, third: first / "checkpoints" / "last.ckpt"}
    return [Stage(folder.name, folder, [], [path], []) for folder, path in inputs.items()]


def test_stages_run_side_by_side_and_after_those_that_they_read(chain, tmp_path):
    together, seen, ended = threading.Barrier(2), [], []

    def advance(stage, processes):
        if stage.title != "third":
            together.wait(60)
        seen.append((stage.title, list(ended)))

    with Lanes(2, tmp_path) as lanes:
        lanes.bring_to_end(chain, advance, lambda stage: ended.append(stage.title))
    assert {title for title, _ in seen[:2]} == {"first", "second"}
    title, before = seen[2]
    assert title == "third"
    assert "first" in before
    assert sorted(ended) == ["first", "second", "third"]


def test_more_lanes_than_stages_are_no_harm(chain, tmp_path):
    ended = []
    with Lanes(5, tmp_path) as lanes:
        lanes.bring_to_end(chain, lambda *_: None, ended.append)
    assert len(ended) == 3


def test_of_one_lane_stages_keep_their_order_and_the_main_thread(chain, tmp_path):
    seen = []
    with Lanes(1, tmp_path) as lanes:
        lanes.bring_to_end(chain, lambda stage, _: seen.append((stage, threading.current_thread())), lambda _: None)
    assert seen == [(stage, threading.main_thread()) for stage in chain]


@pytest.fixture
def sleeping(monkeypatch):
    """Every command sleeps; the processes of those that have begun."""
    begun = []

    def start(starter, words, threads=None):
        begun.append(subprocess.Popen(SLEEP))
        return begun[-1]

    monkeypatch.setattr("ssd_det.starting.starter.Starter.start", start)
    return begun


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


def test_where_one_fails_the_other_is_stopped(chain, sleeping, tmp_path):
    codes = []

    def advance(stage, processes):
        if stage.title == "first":
            codes.append(processes.run(["fit"]))
        wait_for(lambda: sleeping)
        raise InputError("There is something to correct.")

    with Lanes(2, tmp_path) as lanes, pytest.raises(InputError, match="something to correct"):
        lanes.bring_to_end(chain, advance, lambda _: None)
    assert codes == [-signal.SIGTERM]


def test_a_stop_stops_all_and_nothing_more_is_started(chain, sleeping, tmp_path):
    codes = []

    def advance(stage, processes):
        codes.append(processes.run(["fit"]))
        with pytest.raises(Stopped):
            processes.run(["compare-annotations"])

    def stop():
        wait_for(lambda: len(sleeping) == 2)
        os.kill(os.getpid(), signal.SIGINT)

    with Lanes(2, tmp_path) as lanes, StopSignals(), pytest.raises(Stopped) as stopped:  # noqa: PT012
        threading.Thread(target=stop).start()
        lanes.bring_to_end(chain, advance, lambda _: None)
    assert stopped.value.number == signal.SIGINT
    assert codes == [-signal.SIGTERM] * 2
    assert len(sleeping) == 2


def test_what_does_not_end_is_killed(chain, monkeypatch, tmp_path):
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open({!r}, 'w'); time.sleep(3600)"
    ready = tmp_path / "ready"
    command = [sys.executable, "-c", ignoring.format(str(ready))]
    monkeypatch.setattr("ssd_det.starting.starter.Starter.start", lambda *_, **__: subprocess.Popen(command))
    monkeypatch.setattr("ssd_det.pipeline.side_by_side.GRACE_SECONDS", 0.1)
    codes = []

    def advance(stage, processes):
        if stage.title == "first":
            codes.append(processes.run(["fit"]))
        wait_for(ready.exists)
        raise InputError("There is something to correct.")

    with Lanes(2, tmp_path) as lanes, pytest.raises(InputError):
        lanes.bring_to_end(chain, advance, lambda _: None)
    assert codes == [-signal.SIGKILL]


@pytest.mark.skipif(sys.platform != "linux", reason="processes die with their parent under Linux")
def test_processes_of_all_lanes_end_with_the_pipeline(tmp_path):
    """They were started by threads, with which they would end too early if these did."""
    code = f"""
import os, subprocess, sys
from pathlib import Path
from ssd_det.pipeline.side_by_side import Lanes
from ssd_det.pipeline.stage import Stage
from ssd_det.starting.starter import Starter
folder = Path({str(tmp_path)!r})
child = "import os, sys, time; from ssd_det.starting.parent import die_with_parent; die_with_parent(); "
child += "open(sys.argv[1], 'w').write(str(os.getpid())); os.rename(sys.argv[1], sys.argv[2]); time.sleep(3600)"
def start(starter, words, threads=None):
    return subprocess.Popen([sys.executable, "-c", child, *words], env=starter.environment)
Starter.start = start
with Lanes(2, folder) as lanes:
    stages = [Stage(name, folder / name, [], [], []) for name in "ab"]
    lanes.bring_to_end(stages, lambda stage, p: p.run([f"{{stage.folder}}.begun", str(stage.folder)]), print)
"""
    pipeline = subprocess.Popen([sys.executable, "-c", code])
    paths = [tmp_path / name for name in "ab"]
    wait_for(lambda: all(path.exists() for path in paths) or pipeline.poll() is not None)
    numbers = [int(path.read_text()) for path in paths]
    assert all(running(number) for number in numbers)
    pipeline.kill()
    pipeline.wait()
    wait_for(lambda: not any(running(number) for number in numbers))


class Ended:
    """A command that has ended."""

    def wait(self):
        return 0


def test_each_lane_has_its_share_of_the_cores_unless_a_number_was_set(tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def threads(count):
        with Lanes(count, tmp_path) as lanes:
            return {processes._starter.environment.get("OMP_NUM_THREADS") for processes in lanes.processes}

    def commands(count):
        given = []
        monkeypatch.setattr(Starter, "start", lambda *_, threads: given.append(threads) or Ended())
        with Lanes(count, tmp_path) as lanes:
            for on_all_cores in (False, True):
                lanes.processes[0].run(["fit"], on_all_cores)
        return given

    assert threads(1) == {None}
    assert commands(1) == [None, None]
    assert commands(2) == [None, usable_cores()]
    assert threads(2) == {str(max(1, usable_cores() // 2))}
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert threads(2) == {"7"}
    assert commands(2) == [None, None]


def test_a_number_below_1_is_refused(words, tmp_path):
    result = ssd_det(*words, f"--output={tmp_path / 'run'}", "--side_by_side=0")
    assert result.returncode == 2
    assert "side_by_side is 0: give a number from 1 up." in result.stderr
    assert not (tmp_path / "run").exists()
