from ssd_det import distributed
from ssd_det.distributed import gather, gather_by_id


def play_two_processes(monkeypatch, other):
    def gather_objects(parts, found):
        parts[:] = [found, other]

    monkeypatch.setattr(distributed.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(distributed.distributed, "get_world_size", lambda: 2)
    monkeypatch.setattr(distributed.distributed, "all_gather_object", gather_objects)


def test_one_process_gets_its_own_values_sorted():
    assert gather("a") == ["a"]
    assert list(gather_by_id({7: "b", 2: "a"}).items()) == [(2, "a"), (7, "b")]


def test_parts_come_in_the_order_of_the_ranks(monkeypatch):
    play_two_processes(monkeypatch, other="b")
    assert gather("a") == ["a", "b"]


def test_ids_of_all_processes_are_merged_and_may_be_repeated(monkeypatch):
    play_two_processes(monkeypatch, other={1: "a", 0: "b"})
    assert list(gather_by_id({1: "a"}).items()) == [(0, "b"), (1, "a")]
