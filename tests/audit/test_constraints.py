"""The packages of the container, with their hashes."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.docs.pages import ROOT

TEXT = (ROOT / "constraints.txt").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = dict(re.findall(r"^([\w.-]+)(?:\[[\w,-]+\])?==(\S+) \\$", TEXT, re.MULTILINE))


@pytest.mark.parametrize("text", [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["fast-eval"]])
def test_every_dependency_is_there_at_a_version_that_the_project_takes(text):
    requirement = Requirement(text)
    assert requirement.specifier.contains(PINS[canonicalize_name(requirement.name)], prereleases=True)


def test_every_package_has_a_hash_and_nothing_says_where_it_comes_from():
    lines = [line for line in TEXT.splitlines() if not line.startswith("#")]
    names = [place for place, line in enumerate(lines) if not line.startswith(" ")]
    assert len(names) == len(PINS) > 50
    assert all(lines[place + 1].startswith("    --hash=sha256:") for place in names)
    assert "://" not in TEXT
    assert not re.search(r"^--", TEXT, re.MULTILINE)
