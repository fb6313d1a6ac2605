"""How much memory is free: what system, container and job have left."""

import pytest

from ssd_det import free_memory as module
from ssd_det.free_memory import GIB, free_memory


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A folder that stands for a machine with 4 GiB left."""
    monkeypatch.setattr(module, "PROC", tmp_path / "proc")
    monkeypatch.setattr(module, "CONTROL_GROUPS", tmp_path / "cgroup")
    write(tmp_path / "proc" / "meminfo", "MemTotal:  9 kB\nMemAvailable:    4194304 kB\n")
    return tmp_path


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def group(folder, limit, used, given_up=0):
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", f"anon 7\ninactive_file {given_up}\nactive_file 9\n")


def test_without_control_groups_it_is_what_the_system_has(machine):
    assert free_memory() == 4


def test_without_proc_it_is_all_memory(machine):
    (machine / "proc" / "meminfo").unlink()
    assert free_memory() > 0


def test_a_container_sees_its_own_group_as_the_root(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/\n")
    group(machine / "cgroup", "max", 5)
    assert free_memory() == 4
    group(machine / "cgroup", 3 * GIB, GIB)
    assert free_memory() == 2
    group(machine / "cgroup", 8 * GIB, GIB)
    assert free_memory() == 4


def test_a_job_is_limited_by_the_groups_above_its_own(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/system.slice/job_7/step_0\n")
    group(machine / "cgroup" / "system.slice" / "job_7" / "step_0", "max", 5)
    group(machine / "cgroup" / "system.slice" / "job_7", 2 * GIB, GIB)
    assert free_memory() == 1


def test_a_group_that_only_the_host_sees_is_passed_over(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/docker/abc\n")
    group(machine / "cgroup", 3 * GIB, GIB)
    assert free_memory() == 2


def test_files_that_were_read_and_can_be_read_again_take_no_memory(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/\n")
    group(machine / "cgroup", 3 * GIB, 3 * GIB, given_up=2 * GIB)
    assert free_memory() == 2


def test_more_than_is_allowed_is_nothing_left(machine):
    write(machine / "proc" / "self" / "cgroup", "0::/\n")
    group(machine / "cgroup", GIB, 2 * GIB)
    assert free_memory() == 0


def test_groups_of_the_first_version_are_understood(machine):
    write(machine / "proc" / "self" / "cgroup", "9:name=systemd:/\n4:cpu,cpuacct:/job\n3:memory:/job\n")
    for folder, limit in (("memory/job", 3 * GIB), ("memory", 2**63 - 4096)):
        write(machine / "cgroup" / folder / "memory.limit_in_bytes", f"{limit}\n")
        write(machine / "cgroup" / folder / "memory.usage_in_bytes", f"{2 * GIB}\n")
        write(machine / "cgroup" / folder / "memory.stat", f"inactive_file 1\ntotal_inactive_file {GIB // 2}\n")
    assert free_memory() == 1.5
