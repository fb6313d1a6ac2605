"""Results as tables on the screen."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ssd_det.annotations.edits.refined import RefineSummary
from ssd_det.console import listed, say
from ssd_det.refining.rehearsal import LEAST_LEVEL, Calibration
from ssd_det.report.quality import THRESHOLDS


def print_summary(summary: RefineSummary, path: Path) -> None:
    """Say what refining did to a file."""
    say(
        f"{path}: {summary.refined} boxes refined, their centres moved by {summary.mean_shift:.1f} px and "
        f"their IoU with the original is {summary.mean_iou:.3f} on average."
    )
    say(f"Passed through unchanged: {listed(summary.passed_through)}.")
    if summary.segmentations:
        say(f"Warning: {summary.segmentations} segmentations do not agree with their refined box; they are kept.")


def print_calibration(level: float | None, calibration: Calibration | None) -> None:
    """Say what was learnt of the noise and of the scores without true boxes."""
    if calibration is not None:
        level = calibration.noise_level
    if level is not None:
        say(f"Estimated noise of the boxes: level {level:.2f}, as if centres were off by up to {level:.0%} of a box.")
    if calibration is None:
        say("The scores are not calibrated, and no box is kept for its score.")
    else:
        worth = (
            f"Refined boxes are worth taking from a score of {calibration.min_score:.2f} on"
            if calibration.min_score < 1
            else "No refined box is worth taking"
        )
        if calibration.noise_level < LEAST_LEVEL:
            say(
                f"Noise below {LEAST_LEVEL} cannot be told from the refiner's own error: the boxes are taken for clean."
            )
        say(f"{worth}, says a rehearsal on {calibration.rehearsed} boxes.")


def print_comparison(result: dict[str, Any]) -> None:
    """Show the result of :func:`ssd_det.report.quality.compare`."""
    table = Table(title=f"IoU with the true boxes, {result['annotations']} annotations")
    for name in ("", "count", "mean", *(f"> {threshold}" for threshold in THRESHOLDS)):
        table.add_column(name, justify="left" if not name else "right")
    stages = [(name, result[name]) for name in ("before", "after") if result[name] is not None]
    for name, measured in stages:
        table.add_row(name, *_cells(measured["all"]), style="bold")
    table.add_section()
    for group in ("by_size", "by_category"):
        for key in stages[-1][1][group]:
            for name, measured in stages:
                if measured[group][key]["count"]:
                    table.add_row(escape(f"{key}, {name}"), *_cells(measured[group][key]))
        table.add_section()
    Console().print(table)
    for name, measured in stages:
        failures = ", ".join(f"{kind} {count}" for kind, count in measured["failures"].items())
        say(f"IoU below 0.5, {name}: {failures}.")
    if result["scores"] is not None:
        scores = result["scores"]
        say(
            f"Closer to the true boxes: {scores['share']:.1%} of the {scores['count']} refined ones. Their scores "
            f"say {scores['mean_score']:.1%}; calibration error {scores['calibration_error']:.3f}, "
            f"area under the ROC curve {figure(scores['auc'])}."
        )


def print_per_class(measured: dict[str, Any]) -> None:
    """Show the figures by category of :func:`ssd_det.report.detector_quality.average_precision`."""
    columns = ("ap", "ap_50", "voc_ap_50")
    table = Table(title="Average precision of each class")
    for name in ("", *columns):
        table.add_column(name, justify="right" if name else "left")
    for key, row in measured["by_category"].items():
        table.add_row(escape(key), *(figure(row[name]) for name in columns))
    Console().print(table)


def figure(value: float | None) -> str:
    """A figure with three digits, a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def _cells(statistics: dict[str, Any]) -> list[str]:
    return [f"{value:.3f}" if isinstance(value, float) else str(value) for value in statistics.values()]
