"""How much memory is free."""

from ssd_det import memory
from ssd_det.memory import free_memory


def test_free_memory_is_limited_by_system_and_container(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "meminfo").write_text("MemTotal:  9 kB\nMemAvailable:    4194304 kB\n")
    assert free_memory() == 4
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("5\n")
    assert free_memory() == 4
    (tmp_path / "memory.max").write_text(f"{3 * 2**30}\n")
    (tmp_path / "memory.current").write_text(f"{2**30}\n")
    assert free_memory() == 2
