"""Figures of a run: boxes before and after, training curves, precision and recall."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from ssd_det.annotations.output import make_folder, write_together
from ssd_det.report.detector_quality import RECALLS, DetectorMetrics
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.pictures import ORIGINAL, REFINED
from ssd_det.report.reliability import Reliability
from ssd_det.report.result_tables import TRAINED_ON
from ssd_det.report.run_results import RunResults
from ssd_det.report.training_curves import TrainingCurve
from ssd_det.runs.layout import Boxes

CLEAN = "#009e73"  # of the same palette
JOINT = "#cc79a7"
COLOURS: dict[Boxes, str] = {"noisy": ORIGINAL, "joint": JOINT, "refined": REFINED, "clean": CLEAN}
CURVE_COLOURS = {
    "refiner": "#808080",  # seen on white and on black
    "joint model": JOINT,
    "detector on refined boxes": REFINED,
    "detector on noisy boxes": ORIGINAL,
    "detector on clean boxes": CLEAN,
}
SIZE = (6.0, 4.0)
WIDE = (10.0, 4.0)
BINS = 20
DOTS_PER_INCH = 120


@dataclass(frozen=True)
class FigureData:
    """What figures are drawn from; a figure whose data is not given is left out.

    Attributes:
        boxes: those with a known true box are drawn before and after refining.
        scores: how reliable those of refined boxes are.
        curves: the losses of each training.
        detectors: what ``test`` measured, by the boxes trained on.
        iou_with_original: ``Tensor[N]``, of each refined box.
    """

    boxes: MeasuredBoxes | None = None
    scores: Reliability | None = None
    curves: Mapping[str, TrainingCurve] = field(default_factory=dict)
    detectors: Mapping[Boxes, DetectorMetrics | None] = field(default_factory=dict)
    iou_with_original: Tensor | None = None


def figures(data: FigureData) -> dict[str, Figure]:
    """Draw what there is to draw.

    Returns:
        ``iou``, ``reliability``, ``training``, ``precision_recall`` and ``moves``, without those that nothing is given
        for.
    """
    drawn = {}
    if data.boxes is not None:
        drawn["iou"] = _iou_with_true(data.boxes)
    if data.scores is not None:
        drawn["reliability"] = _reliability(data.scores)
    if data.curves:
        drawn["training"] = _training(data.curves)
    precisions = {
        boxes: metrics.precision_at_50
        for boxes, metrics in data.detectors.items()
        if metrics and metrics.precision_at_50
    }
    if precisions:
        drawn["precision_recall"] = _precision_recall(precisions)
    if data.iou_with_original is not None:
        drawn["moves"] = _iou_with_original(data.iou_with_original)
    return drawn


def run_figures(results: RunResults, boxes: MeasuredBoxes | None) -> dict[str, Figure]:
    """Draw the figures of a run.

    Args:
        results: of the run.
        boxes: its refined boxes, measured; ``None`` where no true boxes are known.
    """
    return figures(FigureData(boxes, results.scores, results.curves, results.detectors))


def write_figures(folder: Path, drawn: Mapping[str, Figure]) -> list[Path]:
    """Write figures as png files, which take the place of earlier ones once all of them are drawn.

    Args:
        folder: where they go; made if need be.
        drawn: by the names of their files, without suffix.

    Returns:
        The files written.

    Raises:
        InputError: if the disk refuses; then the earlier ones stay.
    """
    make_folder(folder)
    pictures = {f"{name}.png": _png(figure) for name, figure in drawn.items()}
    write_together(folder, pictures)
    return [folder / name for name in pictures]


def _png(figure: Figure) -> bytes:
    picture = BytesIO()
    figure.savefig(picture, dpi=DOTS_PER_INCH, format="png")
    return picture.getvalue()


def _iou_with_true(boxes: MeasuredBoxes) -> Figure:
    figure, axes = _axes("IoU with the true box", "boxes")
    known = boxes.has_truth
    for name, overlaps, colour in (
        ("before", boxes.iou_with_true_before, ORIGINAL),
        ("after", boxes.iou_with_true_after, REFINED),
    ):
        _histogram(axes, overlaps[known], colour, f"{name} refining, mean")
    return figure


def _iou_with_original(overlaps: Tensor) -> Figure:
    figure, axes = _axes("IoU of the refined with the original box", "boxes")
    _histogram(axes, overlaps, REFINED, "mean")
    return figure


def _histogram(axes: Any, overlaps: Tensor, colour: str, label: str) -> None:
    values = overlaps.tolist()
    axes.hist(values, bins=BINS, range=(0, 1), color=colour, alpha=0.6, label=f"{label} {np.mean(values):.3f}")
    axes.legend(loc="upper left", frameon=False)
    axes.margins(y=0.2)


def _reliability(scores: Reliability) -> Figure:
    figure, axes = _axes("score of the refined box", "share of boxes closer to the truth")
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--", label="perfect")
    axes.plot(
        [entry.mean_score for entry in scores.bins],
        [entry.share for entry in scores.bins],
        color=REFINED,
        marker="o",
        label=f"refined boxes, calibration error {scores.calibration_error:.3f}",
    )
    for entry in scores.bins:
        point = (entry.mean_score, entry.share)
        axes.annotate(str(entry.count), point, xytext=(6, -10), textcoords="offset points", fontsize=8)
    axes.set_xlim(0, 1.05)
    axes.set_ylim(0, 1.05)
    axes.legend(loc="lower right", frameon=False)
    return figure


def _training(curves: Mapping[str, TrainingCurve]) -> Figure:
    """The refiner's losses and the detectors' beside each other: their sums are of different terms."""
    figure = Figure(figsize=WIDE, layout="constrained")
    left, right = (plain(axes, "step", "loss") for axes in figure.subplots(1, 2))
    for name, curve in curves.items():
        axes = right if name.startswith("detector") else left
        axes.plot(curve.steps, curve.losses, color=CURVE_COLOURS[name], label=name, linewidth=1)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        if axes.has_data():
            axes.legend(loc="lower left", frameon=False)
    return figure


def _precision_recall(precisions: Mapping[Boxes, list[float]]) -> Figure:
    figure, axes = _axes("recall at IoU 0.5", "precision, mean over the classes")
    recalls = np.linspace(0, 1, RECALLS)
    for boxes, values in precisions.items():
        label = f"trained on {TRAINED_ON[boxes]}, AP50 {np.mean(values):.3f}"
        axes.plot(recalls, values, color=COLOURS[boxes], label=label)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="best", frameon=False)
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, plain(figure.subplots(), x, y)


def plain(axes: Any, x: str, y: str) -> Any:
    """Label axes, and take away their frame."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
