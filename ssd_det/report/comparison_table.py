"""How boxes compare with the true ones, on the screen."""

from dataclasses import asdict, astuple

from rich.markup import escape
from rich.table import Table

from ssd_det.console import say, show
from ssd_det.report.quality import THRESHOLDS, Comparison, Statistics


def print_comparison(comparison: Comparison) -> None:
    """Show how boxes compare with the true ones."""
    table = Table(title=f"IoU with the true boxes, {comparison.annotations} annotations")
    for name in ("", "count", "mean", *(f"> {threshold}" for threshold in THRESHOLDS)):
        table.add_column(name, justify="left" if not name else "right")
    stages = [("after", comparison.after)]
    if comparison.before is not None:
        stages.insert(0, ("before", comparison.before))
    for name, quality in stages:
        table.add_row(name, *_cells(quality.all), style="bold")
    table.add_section()
    for groups in (
        [(name, quality.by_size) for name, quality in stages],
        [(name, quality.by_category) for name, quality in stages],
    ):
        for key in groups[0][1]:
            for name, statistics in groups:
                if statistics[key].count:
                    table.add_row(escape(f"{key}, {name}"), *_cells(statistics[key]))
        table.add_section()
    show(table)
    for name, quality in stages:
        failures = ", ".join(f"{kind} {count}" for kind, count in asdict(quality.failures).items())
        say(f"IoU below 0.5, {name}: {failures}.")
    if comparison.scores is not None:
        scores = comparison.scores
        say(
            f"Closer to the true boxes: {scores.share:.1%} of the {scores.count} refined ones. Their scores "
            f"say {scores.mean_score:.1%}; calibration error {scores.calibration_error:.3f}, "
            f"area under the ROC curve {three_digits(scores.auc)}."
        )


def three_digits(value: float | None) -> str:
    """A number with three digits after the point, a dash where there is none."""
    return "-" if value is None else f"{value:.3f}"


def _cells(statistics: Statistics) -> list[str]:
    return [f"{value:.3f}" if isinstance(value, float) else str(value) for value in astuple(statistics)]
