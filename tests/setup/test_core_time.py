"""Telling a busy machine from a slow model."""

import pytest

from ssd_det.setup.core_time import CoreTime, core_time


def test_the_time_of_all_threads_counts(tmp_path):
    for name, text in (("7", "2000000000 500000000 12"), ("8", "1000000000 0 3")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedstat").write_text(text)
    assert core_time(tmp_path) == CoreTime(had=3.0, waited=0.5)


def test_where_the_system_does_not_tell_no_core_was_missing(tmp_path):
    assert core_time(tmp_path / "none").share_of_free_cores(3.0) == 1.0


@pytest.mark.parametrize(
    ("had", "waited", "seconds", "share"),
    [
        (4.0, 4.0, 8.0, 0.5),  # one thread
        (8.0, 8.0, 8.0, 0.5),  # two threads that wait for each other
        (0.01, 0.01, 1.0, 0.99),  # a GPU had the work
        (5.0, 0.0, 5.0, 1.0),
    ],
)
def test_waiting_for_cores_is_taken_out_of_the_time(had, waited, seconds, share):
    assert CoreTime(had, waited).share_of_free_cores(seconds) == pytest.approx(share)
