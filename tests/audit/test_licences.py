"""Which licences pass, and whose are looked at."""

from email.message import Message

import pytest

from audit.licences import NONE, declared_licence, faults, runtime_packages


class Package:
    """A package as far as its licence goes."""

    def __init__(self, **fields):
        self.metadata = Message()
        for name, values in fields.items():
            for value in values if isinstance(values, list) else [values]:
                self.metadata[name.replace("_", "-")] = value


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ({"License_Expression": "MIT", "License": "something else"}, "MIT"),
        ({"License": "BSD\n 3-Clause", "Classifier": "License :: OSI Approved :: BSD License"}, "BSD 3-Clause"),
        (
            {"License": "text " * 100, "Classifier": ["Topic :: A", "License :: OSI Approved :: MIT License"]},
            "MIT License",
        ),
        ({}, NONE),
    ],
)
def test_the_most_precise_field_counts(fields, licence):
    assert declared_licence(Package(**fields)) == licence


def test_what_was_looked_at_passes():
    assert faults({"a": "MIT", "b": "MPL-2.0"}, {"a": "MIT", "b": "MPL-2.0", "c": "of another system"}) == []


def test_new_packages_and_other_licences_are_named():
    found = faults({"a": "MIT", "b": "BSD"}, {"b": "MIT"})
    assert found == ["a: MIT: is new.", "b: BSD: was MIT."]


@pytest.mark.parametrize(
    "licence", ["GPL-3.0-only", "MIT AND AGPL-3.0-or-later", "GNU General Public License v3 (GPLv3)", "GNU Affero"]
)
def test_gpl_and_agpl_are_never_allowed(licence):
    assert faults({"a": licence}, {"a": licence}) == [f"a: {licence}: is not allowed."]


@pytest.mark.parametrize("licence", ["LGPL-2.1-only", "BSD AND GPL-3.0-or-later WITH GCC-exception-3.1"])
def test_libraries_that_may_be_linked_to_are_not_among_them(licence):
    assert faults({"a": licence}, {"a": licence}) == []


def test_packages_of_the_run_time_are_found_and_no_others():
    names = runtime_packages().keys()
    assert {"ssd-det", "torch", "certifi", "faster-coco-eval", "typing-extensions"} <= names
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & names
