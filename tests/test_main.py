"""The command line as a whole, and commands that need no model."""

import json
import os
import shlex
import shutil
import subprocess
import sys

import pytest

from ssd_det.main import COMMANDS, main
from tests.command import fails, ssd_det

NOT_EVERYWHERE = ("fcntl", "resource")  # modules of Python that Windows does not have


@pytest.fixture
def here(demo, tmp_path, monkeypatch):
    """A copy of the demo's files as the working directory."""
    shutil.copytree(demo, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_starts_on_systems_without_unix_modules():
    blocked = "; ".join(f"sys.modules[{name!r}] = None" for name in NOT_EVERYWHERE)
    code = f"import sys; {blocked}; import ssd_det.main, ssd_det.pipeline.pipeline; ssd_det.main.main(['--version'])"
    result = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("ssd-det 0.")


def test_it_starts_without_what_only_some_commands_need():
    heavy = ["filelock", "torch", "numpy"]
    code = f"import sys, ssd_det.main; print([name for name in {heavy} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


LIGHT = [name for name, (_, module) in COMMANDS.items() if module != "cli"]
SHOW_HELP = """
import os, sys, ssd_det.main
for command in sys.argv[1:]:
    if not os.fork():
        print(f"== {command}")
        try: ssd_det.main.main([command, "--help"])
        except SystemExit: print([name for name in ("torch", "matplotlib") if name in sys.modules], flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def help_texts():
    """What each command without a model prints as help, and then of what takes long to import, by its name.

    Each has a process of its own that has imported what all need.
    """
    words = [sys.executable, "-c", SHOW_HELP, *LIGHT]
    printed = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    return dict(part.split("\n", 1) for part in printed.split("== ")[1:])


@pytest.mark.parametrize("command", LIGHT)
def test_help_comes_without_waiting_for_torch(help_texts, command):
    assert f"usage: ssd-det {command}" in help_texts[command]
    assert help_texts[command].splitlines()[-1] == "[]"


def test_what_few_trainings_need_is_not_imported_for_all():
    code = "import sys, ssd_det.cli; print([name for name in ('albumentations', 'wandb') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.skipif(sys.platform != "linux", reason="other runtimes show it in another form")
@pytest.mark.parametrize(("given", "policy"), [({}, "PASSIVE"), ({"OMP_WAIT_POLICY": "active"}, "ACTIVE")])
def test_threads_that_wait_sleep_unless_the_user_wants_otherwise(given, policy):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {"OMP_DISPLAY_ENV": "true", **given}
    code = "import ssd_det.main, torch"
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    shown = [line.split("'")[1] for line in result.stderr.splitlines() if "OMP_WAIT_POLICY = " in line]
    assert set(shown) == {policy}, result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="GNU's runtime has the setting")
@pytest.mark.parametrize(
    ("given", "spins"),
    [({}, "2000"), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"OMP_WAIT_POLICY": "PASSIVE"}, "0")],
)
def test_threads_look_a_moment_before_they_sleep_unless_the_user_wants_otherwise(given, spins):
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    environment |= {"OMP_DISPLAY_ENV": "verbose", **given}
    code = "import ssd_det.main, torch"
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    shown = [line.split("'")[1] for line in result.stderr.splitlines() if "GOMP_SPINCOUNT = " in line]
    assert set(shown) == {spins}, result.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="NumPy asks for huge pages on Linux alone")
@pytest.mark.parametrize(("given", "asks"), [({}, "False"), ({"NUMPY_MADVISE_HUGEPAGE": "1"}, "True")])
def test_numpy_does_not_wait_for_huge_pages_unless_the_user_wants_it(given, asks):
    environment = {name: value for name, value in os.environ.items() if name != "NUMPY_MADVISE_HUGEPAGE"} | given
    code = "import ssd_det.main, numpy._core.multiarray as numpy; print(numpy._get_madvise_hugepage())"
    result = subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True)
    assert result.stdout.strip() == asks


def test_help_lists_every_command_with_one_line(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for command in COMMANDS:
        lines = [line for line in text.splitlines() if line.strip().startswith(f"{command} ")]
        assert len(lines) == 1
        assert lines[0].strip().endswith(".")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "No command is given: give one (see ssd-det --help)."),
        ([""], "No command is given: give one (see ssd-det --help)."),
        (["fly"], "fly is no command: give another (see ssd-det --help)."),
        (["refin"], "refin is no command: give refine-annotations (see ssd-det --help)."),
        (["pipline", "--config=a.yaml"], "pipline is no command: give pipeline (see ssd-det --help)."),
        (["check_annotations", "a"], "check_annotations is no command: give check-annotations (see ssd-det --help)."),
        (["x" * 1000], f"{'x' * 57}... is no command: give another (see ssd-det --help)."),
    ],
)
def test_what_is_no_command_is_named_with_the_one_that_it_may_be(words, sentence, capsys):
    assert main(words) == 2
    assert capsys.readouterr().err == f"ssd-det: error: {sentence}\n"


def test_an_option_before_the_command_ends_in_one_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--foo", "fit"])
    assert end.value.code == 2
    assert capsys.readouterr().err == "ssd-det: error: --foo is nothing that ssd-det takes: correct or remove it.\n"


@pytest.mark.parametrize("words", [["corrupt-annotations"], ["corrupt-annotations", "a", "--what", "1"]])
def test_wrong_usage_ends_with_code_2(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_noise_then_comparison_by_the_command(here, capsys):
    noise = ["--output=n.json", "--noise_level=0.3", "--seed=1"]
    assert main(["corrupt-annotations", "train.json", *noise]) == 0
    first = (here / "n.json").read_bytes()
    assert main(["corrupt-annotations", "train.json", *noise, "--overwrite"]) == 0
    assert (here / "n.json").read_bytes() == first
    assert main(["compare-annotations", "n.json", "--reference=train.json", "--output=q.json"]) == 0
    result = json.loads((here / "q.json").read_text())
    assert 0.4 < result["after"]["all"]["mean_iou"] < 0.7
    assert result["before"] is None
    assert "IoU with the true boxes" in capsys.readouterr().out


def test_a_bad_noise_level_writes_nothing(here, capsys):
    code = main(["corrupt-annotations", "train.json", "--output=n.json", "--noise_level=1"])
    fails(capsys, code, "noise_level is 1.0")
    assert not (here / "n.json").exists()


def test_no_command_that_writes_json_replaces_a_picture(here, capsys):
    picture = here / "images" / "0001.png"
    content = picture.read_bytes()
    for words in (
        ["corrupt-annotations", "train.json", "--noise_level=0.3"],
        ["true-annotations", "noisy.json"],
        ["merge-annotations", "train.json"],
        ["convert-annotations", "train.json", "--to=coco"],
        ["compare-annotations", "noisy.json", "--reference=train.json"],
    ):
        code = main([*words, "--output=images/0001.png", "--overwrite"])
        fails(capsys, code, "images/0001.png: exists already and is no json file")
    assert picture.read_bytes() == content


def test_checking_ends_with_0_1_or_2(here, capsys):
    assert main(["check-annotations", "noisy.json", "--image_root=images"]) == 0
    (here / "images" / "0001.png").unlink()
    assert main(["check-annotations", "noisy.json", "--image_root=images"]) == 1
    assert "missing-file" in capsys.readouterr().out
    fails(capsys, main(["check-annotations", "noisy.json", "--image_root=none"]), "none: there is no such folder")


def test_module_and_command_are_the_same(here):
    result = ssd_det("check-annotations", "noisy.json", "--image_root=images", cwd=here)
    assert result.returncode == 0, result.stderr
    assert "6 images" in result.stdout
    assert ssd_det("--version").stdout.startswith("ssd-det 0.")


def test_output_that_nobody_reads_any_more_ends_quietly(here):
    for words in (["noisy.json"], ["noisy.json", "--format=json"]):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-m", "ssd_det", "check-annotations", *words]
        result = subprocess.run(command, cwd=here, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
        os.close(writing)
        assert (result.returncode, result.stderr) == (141, "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_end_no_command_and_take_no_file(here, closed):
    words = [sys.executable, "-m", "ssd_det", "corrupt-annotations", "train.json", "--noise_level=0"]
    assert subprocess.run([*words, "--output=n.json"], check=False).returncode == 0
    command = shlex.join([*words, "--output=m.json"])
    assert subprocess.run(["sh", "-c", f"{command} {closed}"], check=False).returncode == 0
    assert (here / "m.json").read_bytes() == (here / "n.json").read_bytes()


def test_a_working_folder_that_was_removed_is_named(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "gone"
    folder.mkdir()
    monkeypatch.chdir(folder)
    folder.rmdir()
    for words in (["check-annotations", "a.json"], ["fit", "--config=a.yaml"]):
        fails(capsys, main(words), "The working folder has been removed: change to one that exists, and try again.")
