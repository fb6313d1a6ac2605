import gc
import io

import pytest

from ssd_det.console import LARGE, bar, busy, duration
from ssd_det.memory import collection_paused


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("errors", "count", "shows"), [(Terminal, 5, True), (Terminal, 4, False), (io.StringIO, 5, False)]
)
def test_a_bar_is_shown_for_long_work_on_a_terminal_only(monkeypatch, errors, count, shows):
    stream = errors()
    monkeypatch.setattr("sys.stderr", stream)
    assert list(bar(range(count), "boxes", long=5)) == list(range(count))
    assert ("boxes" in stream.getvalue()) == shows


@pytest.mark.parametrize(("size", "shows"), [(LARGE, True), (5, False)])
def test_large_files_are_named_while_they_are_read(monkeypatch, tmp_path, size, shows):
    with (tmp_path / "big.json").open("wb") as file:
        file.truncate(size)
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with busy(tmp_path / "big.json"):
        pass
    assert ("reading big.json" in terminal.getvalue()) == shows


def test_collection_is_resumed_if_it_was_enabled_before():
    with collection_paused():
        assert not gc.isenabled()
        with collection_paused():
            pass
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "a second"),
        (50, "50 seconds"),
        (100, "2 minutes"),
        (5399, "90 minutes"),
        (9000, "2.5 hours"),
        (86400, "24 hours"),
        (864000, "10 days"),
    ],
)
def test_durations_are_round(seconds, text):
    assert duration(seconds) == f"about {text}"
