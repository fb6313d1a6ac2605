"""The processes that a pipeline runs."""

import signal
import subprocess
import sys

import pytest

from ssd_det.errors import InputError
from ssd_det.pipeline.processes import Processes, check_ended
from ssd_det.starting.starter import Finished
from ssd_det.stopping import Stopped, StopSignals
from tests.command import ssd_det


@pytest.fixture(scope="module")
def processes():
    with Processes() as processes:
        yield processes


def test_the_error_message_of_a_failing_question_is_passed_on(processes):
    match = r"The configuration of refine cannot be used: .*none\.yaml"
    with pytest.raises(InputError, match=match):
        processes.ask({"refine": ["fit", "--config=none.yaml", "--print_config"]})


def test_codes_and_times_are_known(processes):
    before = processes.seconds
    assert processes.run(["check-annotations", "none.json", "--image_root=."]) == 2
    assert processes.seconds > before


@pytest.fixture
def foreign(tmp_path, monkeypatch):
    """A working folder with files named as modules, and the marker that they would leave."""
    for name in ("statistics", "jsonargparse", "yaml", "torch", "numpy"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w'); raise SystemExit(9)")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "marker"


def test_no_code_of_the_working_folder_runs(foreign, processes):
    words = ["fit", "--data.annotations=a", "--data.image_root=b", "--print_config"]
    assert "seed_everything" in processes.ask({"refine": words})["refine"]
    assert ssd_det("--version", cwd=foreign.parent).returncode == 0
    assert not foreign.exists()


def test_no_code_of_the_working_folder_runs_in_what_a_command_starts(foreign):
    """As Lightning starts the processes of a training: with -m alone."""
    child = "subprocess.call([sys.executable, '-m', 'ssd_det', '--version'])"
    code = f"import subprocess, sys, ssd_det.main as m; m._run = lambda *_: {child}; sys.exit(m.main(['report', 'x']))"
    result = subprocess.run([sys.executable, "-P", "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not foreign.exists()


@pytest.fixture
def ended(monkeypatch):
    """Let every question end with a code and without a word."""

    def end(code):
        monkeypatch.setattr("ssd_det.starting.starter.Starter.run", lambda *_: Finished(code))

    return end


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_question_whose_process_is_ended_is_no_wrong_configuration(ended, number):
    ended(-number)
    with pytest.raises((InputError, Stopped)) as raised:
        Processes().ask({"refine": ["fit", "--print_config"]})
    if number == signal.SIGKILL:
        assert "process that reads the configuration of refine was ended by signal 9" in str(raised.value)
    else:
        assert raised.value.code == 143


def test_a_question_that_fails_without_a_word_is_told_with_its_code(ended):
    ended(3)
    with pytest.raises(InputError, match="The configuration of refine cannot be used: its process ended with code 3"):
        Processes().ask({"refine": []})


class Interrupted(subprocess.Popen):
    """A process that is waited for when a signal comes."""

    def wait(self, timeout=None):
        if timeout is None:
            signal.raise_signal(signal.SIGTERM)
        return super().wait(timeout)


def test_a_stop_ends_the_process_that_runs(monkeypatch):
    process = Interrupted([sys.executable, "-c", "import time; time.sleep(3600)"])
    monkeypatch.setattr("ssd_det.starting.starter.Starter.start", lambda *_, **__: process)
    with Processes() as processes, StopSignals(), pytest.raises(Stopped):
        processes.run([])
    assert process.returncode == -signal.SIGTERM


@pytest.mark.parametrize(
    ("code", "error"), [(0, None), (1, SystemExit), (143, Stopped), (-1, Stopped), (-9, InputError)]
)
def test_how_a_process_ended_is_told(code, error):
    if error is None:
        check_ended(code, "it")
    else:
        with pytest.raises(error):
            check_ended(code, "it")
