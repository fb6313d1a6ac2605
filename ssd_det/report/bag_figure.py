"""A figure of what the bags of a refiner hold, and what becomes of it."""

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from torch import Tensor

from ssd_det.report.bags import BagIous
from ssd_det.report.figures import CLEAN, JOINT, plain
from ssd_det.report.pictures import ORIGINAL, REFINED

LABELS = {
    "before": "box before refining",
    "best_of_a": "best of the sampled bag",
    "best_of_b": "best of the bag that SPSD moved",
    "best_of_c": "best of the bag of stage II",
    "chosen": "highest ranking proposal",
    "merged": "merged box",
}
COLOURS = {
    "before": ORIGINAL,
    "best_of_a": "#999999",
    "best_of_b": JOINT,
    "best_of_c": CLEAN,
    "chosen": "#000000",
    "merged": REFINED,
}
BAGS = ("best_of_a", "best_of_b", "best_of_c")
SIZE = (10.0, 5.0)  # inches
GRID = np.linspace(0, 1, 101)


def bag_figure(ious: BagIous) -> Figure:
    """Draw which share of the objects reaches each IoU.

    On the left by the best proposal of each bag, on the right by what is made of the last bag.
    """
    curves = ious.columns()
    bags = [name for name in BAGS if name in curves]
    figure = Figure(figsize=SIZE, layout="constrained")
    sides = (["before", *bags], ["before", bags[-1], "chosen", "merged"])
    for axes, names in zip(figure.subplots(1, 2), sides, strict=True):
        plain(axes, "IoU with the true box", "share of objects that reach it")
        for name in names:
            label = f"{LABELS[name]}, mean {curves[name].double().mean():.3f}"
            axes.plot(GRID, shares_reaching(curves[name], GRID), color=COLOURS[name], label=label)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.15), frameon=False)
    return figure


def shares_reaching(overlaps: Tensor, levels: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The share of overlaps that are at least as high as each level."""
    shares: npt.NDArray[np.float64] = (overlaps.double().numpy()[:, None] >= levels).mean(axis=0)
    return shares
