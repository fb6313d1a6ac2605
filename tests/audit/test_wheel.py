"""What a first user does, without the packages that only developers have."""

import os
import subprocess
import sys
from importlib.metadata import packages_distributions

from packaging.utils import canonicalize_name

from audit.licences import runtime_packages
from tests.docs.pages import ROOT

# Python imports this as it starts: the packages in the list are not there then.
WITHOUT = """
import sys
from importlib.machinery import PathFinder

class Runtime(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {names} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Runtime
"""


def modules_of_developers():
    """The modules of packages that nothing needs at run time."""
    runtime = runtime_packages().keys()
    return sorted(
        module
        for module, owners in packages_distributions().items()
        if not any(canonicalize_name(owner) in runtime for owner in owners)
    )


def test_first_steps_work_without_what_developers_have(tmp_path):
    names = modules_of_developers()
    assert {"pytest", "hypothesis", "mypy"} <= {*names}
    (tmp_path / "sitecustomize.py").write_text(WITHOUT.format(names=names))
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "ssd-det").write_text(f'#!/bin/sh\nexec {sys.executable} -P -m ssd_det "$@"\n')
    (commands / "ssd-det").chmod(0o755)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    words = [ROOT / "audit" / "wheel.sh", commands]
    result = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "corrupt-annotations" in result.stdout
    assert "3 images" in result.stdout
    checked = subprocess.run(
        [sys.executable, "-c", "import pytest"], env=environment, capture_output=True, text=True, check=False
    )
    assert "No module named 'pytest'" in checked.stderr
