"""Results as tables on the screen."""

from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ssd_det.annotations.edits.refined import RefineSummary
from ssd_det.console import listed, say, show
from ssd_det.ops.noise_level import LEAST_LEVEL
from ssd_det.refining.rehearsal import Calibration
from ssd_det.report.comparison_table import three_digits
from ssd_det.report.detector_quality import CategoryMetrics


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
        say("The scores are not calibrated: they are the IoU that the refiner predicts.")
    else:
        worth = (
            f"Refined boxes are worth taking from a score of {calibration.min_score:.2f} on"
            if calibration.min_score < 1
            else "No refined box is worth taking"
        )
        if calibration.edges.for_noisy:
            say("The boxes of the file sit better on the edges of the images than the refined ones.")
        elif calibration.noise_level < LEAST_LEVEL and calibration.edges.for_refined:
            too_few = "" if calibration.min_score < 1 else ", but too few of them are likely to be closer to the truth"
            say(f"The refined boxes sit better on the edges of the images than those of the file{too_few}.")
        elif calibration.noise_level < LEAST_LEVEL and calibration.min_score == 1:
            say(
                f"Noise below {LEAST_LEVEL} cannot be told from the refiner's own error: the boxes are taken for clean."
            )
        if calibration.passes > 1:
            say("Refined boxes are the means of two passes: a rehearsal says that these are closer.")
        if calibration.blend is not None:
            say("Where the refiner is less sure, refined boxes go a part of the way back: a rehearsal says how far.")
        truth = calibration.truth
        also = f" and {truth.count} trusted ones" if truth else ""
        say(f"{worth}, says a rehearsal on {calibration.rehearsed} boxes{also}.")
        if truth:
            say(truth.sentence)


def print_per_class(by_category: Mapping[str, CategoryMetrics]) -> None:
    """Show how well the objects of each category are detected."""
    table = Table(title="Average precision of each class")
    for name in ("", "ap", "ap_50", "voc_ap_50"):
        table.add_column(name, justify="right" if name else "left")
    for name, metrics in by_category.items():
        table.add_row(escape(name), *map(three_digits, (metrics.ap, metrics.ap_50, metrics.voc_ap_50)))
    show(table)
