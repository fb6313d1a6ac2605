"""``metrics.csv`` where there is no room."""

import csv

import pytest
from lightning.pytorch.loggers import CSVLogger

from ssd_det.errors import InputError
from ssd_det.report.metrics_log import MetricsLog, whole_log
from ssd_det.report.training_curves import _read_losses
from tests.limits import files_of_at_most


@pytest.fixture
def log(tmp_path):
    return whole_log(CSVLogger(tmp_path, name="", version=""))


def logged(log, steps, **more):
    for step in steps:
        log.log_metrics({"loss": 0.5, **more}, step)
    log.save()


def test_only_the_log_of_numbers_is_replaced(log):
    assert isinstance(log, MetricsLog)
    assert whole_log(True) is True


def test_it_is_what_lightning_writes(log, tmp_path):
    plain = CSVLogger(tmp_path / "plain", name="", version="")
    for logger in (log, plain):
        logged(logger, range(3))
        logged(logger, range(3, 6), ap=0.25)
    assert (tmp_path / "metrics.csv").read_bytes() == (tmp_path / "plain" / "metrics.csv").read_bytes()


@pytest.mark.parametrize("more", [{}, {"ap": 0.25}], ids=["more lines", "another column"])
def test_a_full_disk_leaves_whole_lines(log, tmp_path, more):
    path = tmp_path / "metrics.csv"
    logged(log, range(100))
    with files_of_at_most(path.stat().st_size + 5), pytest.raises(InputError, match=r"metrics\.csv: cannot be written"):
        logged(log, range(100, 200), **more)
    assert path.read_bytes().endswith(b"\n")
    with path.open(newline="") as file:
        assert [int(row["step"]) for row in csv.DictReader(file)] == list(range(100))
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.csv"]


def test_a_line_that_a_killed_training_cut_short_is_left_out(log, tmp_path):
    logged(log, range(3))
    path = tmp_path / "metrics.csv"
    path.write_bytes(path.read_bytes() + b"0.12")
    assert _read_losses(path) == {0: 0.5, 1: 0.5, 2: 0.5}
