"""Commands in processes of their own, forked where that is possible."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ssd_det.errors import InputError
from ssd_det.main import COMMANDS
from ssd_det.starting import starter as module
from ssd_det.starting.cores import usable_cores
from ssd_det.starting.fork_server import PRELOADED
from ssd_det.starting.starter import Starter
from ssd_det.stopping import Stopped, StopSignals
from tests.starting.test_parent import running

needs_fork = pytest.mark.skipif(not module.CAN_FORK, reason="commands are started anew here")
PRINT_CONFIG = ["fit", "--data.annotations=a", "--data.image_root=b", "--print_config"]

# A package in place of ours, whose server has nothing to import.
COMMAND = """
import json, os, signal, sys, time
print(json.dumps({
    "words": sys.argv[1:], "folder": os.getcwd(), "shown": os.environ.get("SHOWN"), "id": os.getpid(),
    "parent": os.getppid(), "told": int(os.environ["SSD_DET_PIPELINE"]), "safe": sys.flags.safe_path, "path": sys.path,
    "module": sys.modules["__main__"].__spec__.name, "blocked": len(signal.pthread_sigmask(signal.SIG_BLOCK, ())),
}), flush=True)
print("an error", file=sys.stderr)
if "threads" in sys.argv:
    import torch
    print(os.environ.get("OMP_NUM_THREADS"), torch.get_num_threads())
if "wait" in sys.argv:
    from ssd_det.starting.parent import die_with_parent
    die_with_parent()
    with open("beginning", "w") as file:
        file.write(str(os.getpid()))
    os.rename("beginning", "ready")
    time.sleep(3600)
if "finish" in sys.argv:
    import atexit, threading
    from concurrent.futures import ThreadPoolExecutor
    class Part:
        def __del__(self, write=os.write):
            write(1, b"taken apart\\n")
    part = Part()
    ThreadPoolExecutor().submit(int)
    atexit.register(print, "at the end")
    threading.Thread(target=lambda: (time.sleep(0.1), print("of a thread"))).start()
sys.exit(7)
"""
SERVER = "from ssd_det.starting.fork_server import main; main('command_in_test', {})"


@pytest.fixture
def make_starter(tmp_path, monkeypatch):
    package = tmp_path / "packages" / "command_in_test"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(COMMAND)
    monkeypatch.setattr(module, "PACKAGE", package.name)
    made = []

    def make(is_warm, preloaded=()):
        monkeypatch.setattr(module, "CAN_FORK", is_warm)
        monkeypatch.setattr(module, "SERVER", SERVER.format(preloaded))
        path = os.pathsep.join([str(package.parent), *sys.path])
        made.append(Starter({**os.environ, "PYTHONPATH": path, "SHOWN": "yes"}))
        return made[-1]

    yield make
    for starter in made:
        starter.close()


def wait_for(condition):
    while not condition():
        time.sleep(0.02)


@needs_fork
def test_a_forked_command_is_as_one_started_anew(make_starter, tmp_path):
    warm, cold = (make_starter(is_warm).run(["fit", "b c"], tmp_path) for is_warm in (True, False))
    assert (warm.code, warm.errors) == (cold.code, cold.errors) == (7, "an error\n")
    shown, expected = (json.loads(finished.output) for finished in (warm, cold))
    for parts in (shown, expected):
        assert parts["told"] == parts.pop("parent")
        assert parts.pop("id") != os.getpid()
    assert expected.pop("told") == os.getpid() != shown.pop("told")
    assert shown == expected
    assert (shown["words"], shown["folder"], shown["shown"]) == (["fit", "b c"], str(tmp_path), "yes")


@needs_fork
def test_a_forked_command_does_at_its_end_all_but_take_itself_apart(make_starter):
    warm, cold = (make_starter(is_warm).run(["fit", "finish"]) for is_warm in (True, False))
    assert (warm.code, warm.errors) == (cold.code, cold.errors) == (7, "an error\n")
    said, expected = (finished.output.splitlines()[1:] for finished in (warm, cold))
    assert said == ["of a thread", "at the end"]
    assert expected == [*said, "taken apart"]


@pytest.mark.parametrize("is_warm", [pytest.param(True, marks=needs_fork), False])
def test_a_command_has_the_threads_that_it_is_given(make_starter, tmp_path, is_warm):
    starter, path = make_starter(is_warm, ("torch",)), tmp_path / "output"
    starter.environment["OMP_NUM_THREADS"] = "1"
    all_cores = usable_cores()
    for given, taken in ((all_cores, f"{all_cores} {all_cores}"), (None, "1 1")):
        with path.open("wb") as output:
            assert starter.start(["fit", "threads"], output=output, threads=given).wait() == 7
        assert path.read_text().splitlines()[1] == taken


@needs_fork
def test_commands_are_forked_from_one_process_one_after_the_other(make_starter):
    starter = make_starter(is_warm=True)
    first, second = (json.loads(starter.run(["fit"]).output) for _ in range(2))
    assert first["parent"] == second["parent"]
    assert first["id"] != second["id"]
    starter.close()
    assert not running(first["parent"])


@pytest.mark.parametrize("is_warm", [pytest.param(True, marks=needs_fork), False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_command_is_ended_by_signals(make_starter, tmp_path, is_warm, number):
    process = make_starter(is_warm).start(["fit", "wait"], tmp_path)
    wait_for((tmp_path / "ready").exists)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.01)
    process.terminate() if number == signal.SIGTERM else process.kill()
    assert process.wait() == -number
    process.kill()  # one that has ended is no longer there to be signalled
    assert process.wait() == -number


@needs_fork
def test_a_stop_while_a_command_is_waited_for_leaves_it_to_be_ended(make_starter, tmp_path):
    process = make_starter(is_warm=True).start(["fit", "wait"], tmp_path)
    with StopSignals(), pytest.raises(Stopped):  # noqa: PT012 (the signal may come at once)
        threading.Thread(target=lambda: (wait_for((tmp_path / "ready").exists), os.kill(os.getpid(), 15))).start()
        process.wait()
    process.terminate()
    assert process.wait() == -signal.SIGTERM


def test_what_is_run_to_its_end_does_not_outlive_a_stop(make_starter, tmp_path, monkeypatch):
    starter, wait = make_starter(is_warm=False), subprocess.Popen.wait

    def wait_and_be_stopped(process, timeout=None):
        wait_for((tmp_path / "ready").exists)
        if process.poll() is None:
            signal.raise_signal(signal.SIGTERM)
        return wait(process, timeout)

    monkeypatch.setattr(module.subprocess.Popen, "wait", wait_and_be_stopped)
    with pytest.raises(Stopped), StopSignals():
        starter.run(["fit", "wait"], tmp_path)
    wait_for(lambda: not running(int((tmp_path / "ready").read_text())))


def test_the_commands_that_import_torch_are_those_of_lightning():
    assert set(module.SLOW) == {name for name, (_, where) in COMMANDS.items() if where == "cli"}


@needs_fork
def test_only_what_needs_torch_is_worth_a_process_to_fork_from(make_starter):
    starter = make_starter(is_warm=True)
    parents = [json.loads(starter.run([word]).output)["parent"] for word in ("report", "test", "report")]
    assert parents[0] == os.getpid() != parents[1] == parents[2]


@needs_fork
def test_a_command_ends_with_the_server_and_the_next_is_started_anew(make_starter, tmp_path):
    starter = make_starter(is_warm=True)
    server = json.loads(starter.run(["fit"]).output)["parent"]
    process = starter.start(["fit", "wait"], tmp_path)
    wait_for((tmp_path / "ready").exists)
    os.kill(server, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    wait_for(lambda: not running(int((tmp_path / "ready").read_text())))
    assert json.loads(starter.run(["fit"]).output)["parent"] == os.getpid()


@needs_fork
def test_a_command_ends_with_the_process_that_started_it(make_starter, tmp_path):
    environment = make_starter(is_warm=True).environment
    code = (
        f"import ssd_det.starting.starter as m; from pathlib import Path\n"
        f"m.SERVER = {module.SERVER!r}\n"
        f"m.Starter().start(['fit', 'wait'], Path({str(tmp_path)!r})).wait()"
    )
    starting = subprocess.Popen([sys.executable, "-P", "-c", code], env=environment)
    wait_for((tmp_path / "ready").exists)
    starting.kill()
    starting.wait()
    wait_for(lambda: not running(int((tmp_path / "ready").read_text())))


@needs_fork
def test_where_the_server_cannot_start_commands_are_started_anew(make_starter):
    starter = make_starter(is_warm=True, preloaded=("no_such_module",))
    assert json.loads(starter.run(["fit"]).output)["parent"] == os.getpid()


@pytest.mark.parametrize("is_warm", [pytest.param(True, marks=needs_fork), False])
def test_where_no_process_can_be_started_a_sentence_says_so(make_starter, monkeypatch, is_warm):
    def refuse(*_, **options):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    starter = make_starter(is_warm)
    monkeypatch.setattr(module.subprocess, "Popen", refuse)
    with pytest.raises(InputError, match=r"Resource temporarily unavailable\): raise the limit of processes"):
        starter.run(["fit"])


@needs_fork
def test_where_the_server_cannot_fork_commands_are_started_anew(make_starter, monkeypatch):
    starter = make_starter(is_warm=True)
    monkeypatch.setattr(module, "SERVER", f"import os; os.fork = lambda: open('/none'); {module.SERVER}")
    assert json.loads(starter.run(["fit"]).output)["parent"] == os.getpid()


@needs_fork
def test_what_is_imported_before_forks_starts_no_thread_and_no_cuda():
    """Threads of OpenBLAS are stopped for a fork by itself; here it has none."""
    code = (
        "import os, torch; from importlib import import_module\n"
        "asked = []; torch._C._cuda_getDeviceCount = lambda: asked.append(1) or 0\n"
        "from ssd_det.starting.fork_server import PRELOADED\n"
        "for name in PRELOADED: import_module(name)\n"
        "print(len(os.listdir('/proc/self/task')), torch.cuda.is_initialized(), asked)"
    )
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "1 False []"


def test_our_own_commands_run_without_code_of_their_folder(tmp_path):
    for name in ("statistics", "jsonargparse", "yaml", "torch", "numpy"):
        (tmp_path / f"{name}.py").write_text("open('marker', 'w'); raise SystemExit(9)")
    with Starter() as starter:
        assert "seed_everything" in starter.run(PRINT_CONFIG, tmp_path).output
        assert starter.run(["--version"], Path(tmp_path)).output.startswith("ssd-det ")
    assert not (tmp_path / "marker").exists()


def test_what_is_preloaded_has_no_temporary_folder_that_the_first_command_to_end_would_remove(tmp_path):
    code = f"import os, {', '.join(PRELOADED)}; print(os.listdir({str(tmp_path)!r}))"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout == "[]\n"
