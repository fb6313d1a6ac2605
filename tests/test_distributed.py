import pytest

from ssd_det import distributed
from ssd_det.distributed import gather_by_id


def test_one_process_gets_its_own_values_sorted():
    assert list(gather_by_id({7: "b", 2: "a"}).items()) == [(2, "a"), (7, "b")]


def test_an_id_that_two_processes_found_is_an_error(monkeypatch):
    def gather(parts, found):
        parts[:] = [found, {2: "again"}]

    monkeypatch.setattr(distributed.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed.distributed, "all_gather_object", gather)
    assert gather_by_id({1: "a"}) == {1: "a", 2: "again"}
    with pytest.raises(RuntimeError, match="worked on the same id"):
        gather_by_id({2: "a"})


def test_ids_that_samplers_repeat_are_allowed_where_asked_for(monkeypatch):
    def gather(parts, found):
        parts[:] = [found, {1: "a", 0: "b"}]

    monkeypatch.setattr(distributed.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed.distributed, "all_gather_object", gather)
    assert gather_by_id({1: "a"}, repeated=True) == {0: "b", 1: "a"}
