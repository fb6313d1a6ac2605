"""The log of a training, ``metrics.csv``, which keeps what is in it where a disk is full."""

import csv
import os
from io import StringIO
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter
from lightning.pytorch.utilities import rank_zero_only

from ssd_det.annotations.output import write_text
from ssd_det.write_errors import writing

ADVICE = "and go on from the last checkpoint"


class MetricsLog(CSVLogger):
    """Lightning's logger of numbers, whose file has whole lines, whatever happens.

    Args:
        logger: one that has not begun, whose settings it takes over.
    """

    def __init__(self, logger: CSVLogger) -> None:
        vars(self).update(vars(logger))

    @property
    def experiment(self) -> Any:
        """What writes the files, on the first process."""
        if self._experiment is None and getattr(rank_zero_only, "rank", 0) == 0:
            with writing(self.log_dir, ADVICE):
                Path(self.root_dir).mkdir(parents=True, exist_ok=True)
                self._experiment = WholeWriter(log_dir=self.log_dir)
        return super().experiment

    def log_hyperparams(self, params: Any = None) -> None:
        """Write settings.

        Raises:
            InputError: if the disk refuses.
        """
        with writing(Path(self.log_dir) / ExperimentWriter.NAME_HPARAMS_FILE, ADVICE):
            super().log_hyperparams(params)


class WholeWriter(ExperimentWriter):
    """Lightning's writer of the file."""

    def save(self) -> None:
        """Append what was logged.

        Raises:
            InputError: if the disk refuses; then the file ends with a whole line.
        """
        path = Path(self.metrics_file_path)
        with writing(path, ADVICE):
            try:
                super().save()
            except OSError:
                if path.is_file():
                    os.truncate(path, path.read_bytes().rfind(b"\n") + 1)
                raise

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        """Add columns to what is in the file."""
        path = Path(self.metrics_file_path)
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))

        new = StringIO()
        writer = csv.DictWriter(new, fieldnames)
        writer.writeheader()
        writer.writerows(rows)
        write_text(path, new.getvalue())


def whole_log(logger: Any) -> Any:
    """A log that keeps its lines, in the place of Lightning's; any other setting as it is."""
    return MetricsLog(logger) if type(logger) is CSVLogger else logger
