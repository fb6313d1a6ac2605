import threading

import pytest

from ssd_det import late_files
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.late_files import await_file


def put_later(path, seconds, content):
    """Let a file appear under its name at once, some seconds from now."""

    def put():
        path.parent.mkdir(exist_ok=True)
        hidden = path.with_name("hidden")
        hidden.write_bytes(content)
        hidden.rename(path)

    timer = threading.Timer(seconds, put)
    timer.start()
    return timer


@pytest.mark.parametrize("name", ["RANK", "SLURM_PROCID"])
def test_a_process_that_is_not_the_first_waits_for_what_the_disk_shows_late(make_coco, tmp_path, monkeypatch, name):
    monkeypatch.setenv(name, "1")
    late = tmp_path / "late" / "noisy.json"
    timer = put_later(late, 1.0, make_coco().read_bytes())
    assert len(read_annotations(late).annotations) == 1
    timer.join()


def test_the_first_process_waits_for_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(late_files.time, "sleep", lambda _: pytest.fail("it has waited"))
    await_file(tmp_path / "none.json")


def test_waiting_has_an_end(tmp_path, monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setattr(late_files, "LONGEST_SECONDS", 0.1)
    await_file(tmp_path / "none.json")
