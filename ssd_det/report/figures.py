"""Figures of a run: boxes before and after, training curves, precision and recall."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ssd_det.annotations.output import make_folder
from ssd_det.report.pictures import ORIGINAL, REFINED
from ssd_det.report.run_results import BOXES

CLEAN = "#009e73"  # of the same palette
JOINT = "#cc79a7"
COLOURS = {"noisy": ORIGINAL, "joint": JOINT, "refined": REFINED, "clean": CLEAN}
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
RECALLS = 101
DOTS_PER_INCH = 120


def figures(
    overlaps: Mapping[str, Sequence[float]] | None = None,
    curves: Mapping[str, tuple[Sequence[int], Sequence[float]]] | None = None,
    detectors: Mapping[str, Mapping[str, Any] | None] | None = None,
    scores: Mapping[str, Any] | None = None,
    moves: Sequence[float] | None = None,
) -> dict[str, Figure]:
    """Draw what there is to draw.

    Args:
        overlaps: IoU with the true box of each box, ``before`` and ``after`` refining.
        curves: steps and losses, by training.
        detectors: what ``test`` measured, by the boxes trained on.
        scores: of refined boxes, as :func:`ssd_det.report.reliability.reliability` measured them.
        moves: IoU of each refined box with its original.

    Returns:
        ``iou``, ``reliability``, ``training``, ``precision_recall`` and ``moves``, without those that nothing is given
        for.
    """
    drawn = {}
    if overlaps is not None:
        drawn["iou"] = _overlaps(overlaps)
    if scores is not None:
        drawn["reliability"] = _reliability(scores)
    if curves:
        drawn["training"] = _training(curves)
    measured = {name: found["precision_at_50"] for name, found in (detectors or {}).items() if found}
    if any(measured.values()):
        drawn["precision_recall"] = _precision_recall(measured)
    if moves:
        drawn["moves"] = _moves(moves)
    return drawn


def write_figures(folder: Path, drawn: Mapping[str, Figure]) -> list[Path]:
    """Write figures as png files.

    Args:
        folder: where they go; made if need be.
        drawn: by the names of their files, without suffix.

    Returns:
        The files written.
    """
    make_folder(folder)
    paths = [folder / f"{name}.png" for name in drawn]
    for path, figure in zip(paths, drawn.values(), strict=True):
        figure.savefig(path, dpi=DOTS_PER_INCH)
    return paths


def _overlaps(overlaps: Mapping[str, Sequence[float]]) -> Figure:
    figure, axes = _axes("IoU with the true box", "boxes")
    for name, colour in (("before", ORIGINAL), ("after", REFINED)):
        label = f"{name} refining, mean {np.mean(overlaps[name]):.3f}"
        axes.hist(overlaps[name], bins=BINS, range=(0, 1), color=colour, alpha=0.6, label=label)
    axes.legend(loc="upper left", frameon=False)
    axes.margins(y=0.2)
    return figure


def _moves(moves: Sequence[float]) -> Figure:
    figure, axes = _axes("IoU of the refined with the original box", "boxes")
    axes.hist(moves, bins=BINS, range=(0, 1), color=REFINED, alpha=0.6, label=f"mean {np.mean(moves):.3f}")
    axes.legend(loc="upper left", frameon=False)
    axes.margins(y=0.2)
    return figure


def _reliability(scores: Mapping[str, Any]) -> Figure:
    figure, axes = _axes("score of the refined box", "share of boxes closer to the truth")
    bins = scores["bins"]
    axes.plot([0, 1], [0, 1], color="#999999", linewidth=1, linestyle="--", label="perfect")
    axes.plot(
        [entry["mean_score"] for entry in bins],
        [entry["share"] for entry in bins],
        color=REFINED,
        marker="o",
        label=f"refined boxes, calibration error {scores['calibration_error']:.3f}",
    )
    for entry in bins:
        place = (entry["mean_score"], entry["share"])
        axes.annotate(str(entry["count"]), place, xytext=(6, -10), textcoords="offset points", fontsize=8)
    axes.set_xlim(0, 1.05)
    axes.set_ylim(0, 1.05)
    axes.legend(loc="lower right", frameon=False)
    return figure


def _training(curves: Mapping[str, tuple[Sequence[int], Sequence[float]]]) -> Figure:
    """The refiner's losses and the detectors' beside each other: their sums are of different terms."""
    figure = Figure(figsize=WIDE, layout="constrained")
    left, right = (plain(axes, "step", "loss") for axes in figure.subplots(1, 2))
    for name, (steps, losses) in curves.items():
        axes = right if name.startswith("detector") else left
        axes.plot(steps, losses, color=CURVE_COLOURS[name], label=name, linewidth=1)
    for axes in (left, right):
        axes.set_ylim(bottom=0)
        if axes.has_data():
            axes.legend(loc="lower left", frameon=False)
    return figure


def _precision_recall(measured: Mapping[str, Sequence[float] | None]) -> Figure:
    figure, axes = _axes("recall at IoU 0.5", "precision, mean over the classes")
    recalls = np.linspace(0, 1, RECALLS)
    for name, precisions in measured.items():
        if precisions:
            label = f"trained on {BOXES[name]}, AP50 {np.mean(precisions):.3f}"
            axes.plot(recalls, precisions, color=COLOURS[name], label=label)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.legend(loc="lower left", frameon=False)
    return figure


def _axes(x: str, y: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, plain(figure.subplots(), x, y)


def plain(axes: Any, x: str, y: str) -> Any:
    """Axes with names and without a frame."""
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.spines[["top", "right"]].set_visible(False)
    return axes
