"""Signals that stop commands: the exit code and one sentence, and what is not to be heard."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from ssd_det.stopping import Stopped, StopSignals, is_first_process, stop_of

WAITING = """
import sys, time, ssd_det.main
def wait(name, words):
    print("ready", flush=True)
    {wait}
ssd_det.main._run = wait
sys.exit(ssd_det.main.main(["report", "x"]))
"""
SLEEPS = "time.sleep(3600)"
SWALLOWS = """
    try: time.sleep(3600)
    except BaseException: return 0
"""


def waiting(wait=SLEEPS, **environment):
    """A command that waits, in a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", WAITING.format(wait=wait)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
        # A shell's background job ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (no threads here)
    )
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize(
    ("number", "code", "sentence"),
    [
        (signal.SIGINT, 130, "ssd-det: stopped.\n"),
        (signal.SIGTERM, 143, "ssd-det: stopped by SIGTERM.\n"),
        (signal.SIGHUP, 129, "ssd-det: stopped by SIGHUP.\n"),
    ],
)
@pytest.mark.parametrize("wait", [SLEEPS, SWALLOWS], ids=["raised", "swallowed by a library"])
def test_a_command_ends_with_the_code_of_its_signal_and_one_sentence(number, code, sentence, wait):
    process = waiting(wait)
    process.send_signal(number)
    assert process.communicate() == ("", sentence)
    assert process.returncode == code


@pytest.mark.parametrize("environment", [{"SSD_DET_PIPELINE": "-1"}, {"LOCAL_RANK": "1"}, {"SLURM_PROCID": "3"}])
def test_another_process_says_it_for_those_that_it_started(environment):
    if "SSD_DET_PIPELINE" in environment:
        environment = {"SSD_DET_PIPELINE": str(os.getpid())}
    process = waiting(**environment)
    process.terminate()
    assert process.communicate() == ("", "")
    assert process.returncode == 143


def test_a_closed_terminal_is_written_to_no_more():
    code = WAITING.format(wait="try: time.sleep(3600)\n    finally: print('after', flush=True)")
    child, terminal = pty.fork()
    if not child:
        os.execv(sys.executable, [sys.executable, "-c", code])
    assert os.read(terminal, 100).startswith(b"ready")
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 129


def test_a_second_signal_leaves_the_end_of_the_first_alone_but_for_ctrl_c(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("ssd_det.stopping.time.monotonic", lambda: now[0])
    with StopSignals() as signals:
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGINT)
        now[0] += 60
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGTERM)
    assert signals.received == signal.SIGTERM


def test_ignored_signals_stay_ignored_and_handlers_come_back():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        former = signal.getsignal(signal.SIGTERM)
        with StopSignals():
            signal.raise_signal(signal.SIGHUP)  # as under nohup
            assert signal.getsignal(signal.SIGTERM) != former
        assert signal.getsignal(signal.SIGTERM) == former
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_forked_process_does_not_stop_on_its_own():
    with StopSignals():
        child = os.fork()
        if not child:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.1)
            os._exit(7)
        _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7


@pytest.mark.parametrize(("code", "number"), [(143, 15), (-15, 15), (129, 1), (-2, 2), (130, 2)])
def test_codes_of_a_stop_are_known(code, number):
    assert stop_of(code).number == number


@pytest.mark.parametrize("code", [0, 1, 2, -9, 137, -11])
def test_other_codes_are_no_stop(code):
    assert stop_of(code) is None


def test_the_first_process_is_known_before_torch_knows(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    assert is_first_process()
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("LOCAL_RANK", "0")  # the first of the second machine
    assert not is_first_process()
