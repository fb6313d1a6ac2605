"""Imports that the collection of garbage does not slow."""

import gc
import sys

import pytest

from ssd_det.starting.modules import imported


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that notes whether garbage is collected while it is imported."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name, text=""):
        (tmp_path / f"{name}.py").write_text(f"import gc; collecting = gc.isenabled(); kept = [[]]; {text}")
        return name

    yield make
    gc.unfreeze()
    for name in ("slow_to_import", "broken_to_import"):
        sys.modules.pop(name, None)


def test_nothing_is_collected_while_modules_are_imported_nor_of_them_later(module):
    frozen = gc.get_freeze_count()
    first, second = imported(module("slow_to_import"), "json")
    assert (first.__name__, second.__name__) == ("slow_to_import", "json")
    assert not first.collecting
    assert gc.isenabled()
    assert gc.get_freeze_count() > frozen
    assert not any(kept is first.kept for kept in gc.get_objects())


def test_what_is_there_already_freezes_nothing_more(module):
    name = module("slow_to_import")
    imported(name)
    frozen, made_since = gc.get_freeze_count(), [name]
    assert imported(name) == [sys.modules[name]]
    assert gc.get_freeze_count() <= frozen  # what other threads let go of leaves in between
    assert any(kept is made_since for kept in gc.get_objects())  # which has none that are frozen


def test_garbage_is_collected_again_after_an_import_that_fails(module):
    with pytest.raises(ZeroDivisionError):
        imported(module("broken_to_import", "1 / 0"))
    assert gc.isenabled()
