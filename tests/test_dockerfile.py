"""The container's recipe, without an engine: what it names exists, and its Python steps run in a clean environment."""

import os
import shlex
import shutil
import subprocess
import sysconfig
import tomllib
from pathlib import Path

import pytest
from docker.utils import exclude_paths
from dockerfile_parse import DockerfileParser

from ssd_det import __version__
from ssd_det.main import COMMANDS
from tests.command import LIMITED

ROOT = Path(__file__).parents[1]
VENV = "/opt/ssd-det"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """The instructions of each stage, by its name; the last is ``final``."""
    copy = tmp_path_factory.mktemp("docker") / "Dockerfile"  # the parser opens the file for writing as well
    shutil.copy(ROOT / "Dockerfile", copy)
    found = {"": []}
    for entry in DockerfileParser(str(copy)).structure:
        instruction, value = entry["instruction"], entry["value"]
        if instruction == "FROM":
            name = value.partition(" AS ")[2] or "final"
            found[name] = []
        if instruction != "COMMENT":
            found[name if found.keys() != {""} else ""].append((instruction, value))
    return found


@pytest.fixture(scope="module")
def context():
    """Every file that ``.dockerignore`` lets through, as paths from the root."""
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    return {path for path in exclude_paths(str(ROOT), patterns) if (ROOT / path).is_file()}


def copied(instructions):
    """Sources and target of each COPY from the context."""
    words = [shlex.split(value) for name, value in instructions if name == "COPY"]
    return [(sources, target) for *sources, target in words if not sources[0].startswith("--from")]


def under(context, source):
    return {path for path in context if path == source or path.startswith(f"{source}/")}


def values(instructions, name):
    return [value for instruction, value in instructions if instruction == name]


def test_the_context_holds_what_is_copied_and_nothing_else(stages, context):
    sources = [source for sources, _ in copied(stages["builder"]) for source in sources]
    for source in sources:
        assert under(context, source), f"{source} is missing or ignored"
    needed = set().union(*(under(context, source) for source in sources))
    assert context - needed == {"Dockerfile", ".dockerignore"}, "what Docker itself reads"
    assert not any("__pycache__" in path for path in context)
    assert {"ssd_det/main.py", "configs/pipeline.yaml"} <= context


def test_stages_start_from_the_cuda_runtime_and_hand_on_the_environment_alone(stages):
    (image,) = values(stages[""], "ARG")
    assert image.startswith("CUDA_IMAGE=nvidia/cuda:")
    assert values(stages["python"], "FROM") == ["${CUDA_IMAGE} AS python"]
    assert values(stages["builder"], "FROM") == ["python AS builder"]
    assert values(stages["final"], "FROM") == ["python"]
    assert values(stages["final"], "COPY") == [f"--from=builder {VENV} {VENV}"]
    assert any(f"python3 -m venv {VENV}" in value for value in values(stages["builder"], "RUN"))


def test_dependencies_are_installed_before_the_source_is_copied(stages):
    steps = [value for name, value in stages["builder"] if name in ("COPY", "RUN")]
    (installed,) = [place for place, value in enumerate(steps) if "pip install --require-hashes -r" in value]
    earlier = [value for value in steps[:installed] if value in values(stages["builder"], "COPY")]
    assert earlier == ["constraints.txt ./"]
    assert steps[-1].endswith("pip install --no-deps .")


def test_it_runs_the_command_as_a_user_who_is_not_root(stages):
    final = stages["final"]
    (entry,) = values(final, "ENTRYPOINT")
    assert entry == '["ssd-det"]'
    assert "ssd-det" in PROJECT["scripts"]
    (user,) = values(final, "USER")
    (made,) = [value for value in values(final, "RUN") if "useradd" in value]
    assert user == "ssd-det"
    assert shlex.split(made.partition("&&")[0])[-1] == user
    assert [name for name, _ in final].index("USER") > max(
        place for place, (name, _) in enumerate(final) if name in ("RUN", "COPY")
    )


def test_any_user_may_write_to_the_home_and_has_a_name(stages):
    (settings,) = values(stages["final"], "ENV")
    environment = dict(word.split("=", 1) for word in shlex.split(settings))
    assert any(f"chmod 1777 {environment['HOME']}" in value for value in values(stages["final"], "RUN"))
    assert environment["USER"], "Python cannot look up the name of a user id that the image does not know"
    assert environment["PATH"].startswith(f"{VENV}/bin:")


def test_the_run_line_of_the_readme_is_one_of_this_image():
    lines = (ROOT / "README.md").read_text().replace("\\\n", " ").splitlines()
    (words,) = [shlex.split(line) for line in lines if line.startswith("docker run")]
    given = words[: words.index("ssd-det")]
    for word in ("--gpus", "--shm-size", "--user", "--volume"):
        assert any(entry.startswith(word) for entry in given), word
    assert words[words.index("ssd-det") + 1] in COMMANDS


def run_step(name, value, venv, context, work, environment):
    """Do a COPY from the context into the folder ``work``, or a RUN there, with the environment at ``venv``."""
    if name == "COPY":
        *sources, _ = shlex.split(value)
        for path in set().union(*(under(context, source) for source in sources)):
            (work / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / path, work / path)
        return
    words = [word for word in value.split(" ") if not word.startswith("--mount=")]
    subprocess.run(["sh", "-ec", " ".join(words).replace(VENV, str(venv))], cwd=work, env=environment, check=True)


def test_the_steps_install_a_command_that_works(stages, context, tmp_path):
    """The dependencies, gigabytes, are those of the tests' environment, which pip compares with every requirement.

    Their versions may be others than those of the container, so that pip is asked for those that the project takes.

    With ``SSD_DET_CLEAN_INSTALL=1`` the environment is empty, and everything is downloaded.
    """
    venv, work = tmp_path / "venv", tmp_path / "work"
    work.mkdir()
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    environment |= {**LIMITED, "PATH": f"{venv / 'bin'}:{os.environ['PATH']}"}
    clean = os.environ.get("SSD_DET_CLEAN_INSTALL") == "1"
    if not clean:
        environment = {key: value for key, value in environment.items() if not key.startswith("PIP_")}
        # pip takes the 0 for the word no in the option's name.
        environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    taken = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fast-eval"]]
    (work / "taken.txt").write_text("\n".join(taken))
    for name, value in stages["builder"]:
        if not clean:
            value = value.replace("--require-hashes -r constraints.txt", "-r taken.txt")  # noqa: PLW2901
        if name == "COPY" or (name == "RUN" and "apt-get" not in value):
            run_step(name, value, venv, context, work, environment)
        if f"-m venv {VENV}" in value:
            (packages,) = venv.glob("lib/python*/site-packages")
            if not clean:
                (packages / "of_the_tests.pth").write_text(sysconfig.get_path("purelib"))
                for path in packages.glob("setuptools*"):  # Python 3.11 puts an old one in, which torch does not take
                    shutil.rmtree(path)
    for path in ("configs/pipeline.yaml", "report/review/static/index.html"):
        assert (packages / "ssd_det" / path).is_file()
    installed = {path.relative_to(packages).as_posix() for path in (packages / "ssd_det").rglob("*.py")}
    assert installed == {path for path in context if path.endswith(".py")}

    def output(*words):
        return subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    assert output("ssd-det", "--version") == f"ssd-det {__version__}\n"
    found = output("python", "-c", "import ssd_det; print(ssd_det.__file__)")
    assert Path(found.strip()).is_relative_to(venv)
    if clean:
        assert "refine_annotations" in output("ssd-det", "refine-annotations", "--help")
