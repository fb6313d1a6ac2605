"""What the boxes of a file have in common that is wrong, told by trusted boxes of a few of its objects.

The offsets of the four sides are measured in units of the box, each category on its own, and drawn towards what all
categories have in common by how uncertain they are (random effects; DerSimonian and Laird, 1986).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import stdtrit

from ssd_det.ops.box_arrays import Floats

CONFIDENCE = 0.95
LEAST_BOXES = 3
LARGEST_DEVIATION = 3.0  # in robust standard deviations, so that a wrong box does not decide
MAD_TO_DEVIATION = 1.4826  # of a normal distribution
AT_BORDER = 1.5  # pixels; a side so close to the border of its image was probably cut off there
SMALLEST = 1e-12


@dataclass(frozen=True)
class SharedOffsets:
    """What moves the sides of noisy boxes to where they belong, on average.

    Attributes:
        sides: ``[C, 4]``, of left, top, right and bottom for each category, in units of width and height; positive to
            the right and down.
        margins: ``[C, 4]``, half the 95% interval of each.
        counts: ``[C]``, the trusted boxes of each category.
    """

    sides: Floats
    margins: Floats
    counts: npt.NDArray[np.int64]

    @property
    def certain(self) -> Floats:
        """``[C, 4]``: the offsets whose interval does not hold 0; all others are 0."""
        return np.where(np.abs(self.sides) > self.margins, self.sides, 0.0)


def measure_offsets(
    noisy: Floats, trusted: Floats, image_sizes: Floats, categories: npt.NDArray[np.int64], count: int
) -> SharedOffsets:
    """Measure what noisy boxes have in common.

    Args:
        noisy: ``[N, 4]``, xyxy in pixels, with area.
        trusted: ``[N, 4]``, of the same objects.
        image_sizes: ``[N, 2]``, (height, width) of each object's image.
        categories: ``[N]``, from 0 to below ``count``.
        count: the number of categories.
    """
    offsets = (trusted - noisy) / _sizes(noisy)
    offsets[_at_border(noisy, image_sizes)] = np.nan
    sides, margins = zip(*(_of_side(offsets[:, side], categories, count) for side in range(4)), strict=True)
    return SharedOffsets(np.stack(sides, 1), np.stack(margins, 1), np.bincount(categories, minlength=count))


def measure_shape(noisy: Floats, trusted: Floats, image_sizes: Floats) -> tuple[Floats, Floats]:
    """How much too large noisy boxes are, and how far their centres are off, over all categories.

    Args:
        noisy: ``[N, 4]``, xyxy in pixels, with area.
        trusted: ``[N, 4]``, of the same objects.
        image_sizes: ``[N, 2]``, (height, width) of each object's image.

    Returns:
        Width, height, x and y in units of the trusted box, and half the 95% interval of each, both ``[4]``; a margin is
        infinite where fewer than 3 boxes tell.
    """
    moves = (noisy - trusted) / _sizes(trusted)
    moves[_at_border(noisy, image_sizes)] = np.nan
    low, high = moves[:, :2], moves[:, 2:]
    values = np.concatenate([high - low, (high + low) / 2], axis=1)
    alike = np.zeros(len(values), dtype=np.int64)
    means, margins = zip(*(_of_side(values[:, axis], alike, 1) for axis in range(4)), strict=True)
    return np.concatenate(means), np.concatenate(margins)


def corrected(boxes: Floats, offsets: Floats, image_sizes: Floats) -> Floats:
    """Boxes whose sides are moved; a side at the border of its image stays there.

    Args:
        boxes: ``[N, 4]``, xyxy in pixels.
        offsets: ``[N, 4]``, of their sides, in units of the box.
        image_sizes: ``[N, 2]``, (height, width) of each object's image.

    Returns:
        ``[N, 4]``, inside the images, but for sides that were outside; a box that would lose its area is as it was.
    """
    limits = np.tile(image_sizes[:, ::-1], 2)
    inside = (boxes + offsets * _sizes(boxes)).clip(np.minimum(boxes, 0), np.maximum(boxes, limits))
    result = np.where(_at_border(boxes, image_sizes), boxes, inside)
    has_area = (result[:, 2:] > result[:, :2]).all(axis=1, keepdims=True)
    return np.where(has_area, result, boxes)


def _sizes(boxes: Floats) -> Floats:
    """(width, height, width, height) of boxes, ``[N, 4]``."""
    return np.tile(boxes[:, 2:] - boxes[:, :2], 2)


def _at_border(boxes: Floats, image_sizes: Floats) -> npt.NDArray[np.bool_]:
    """Which sides lie at the border of their image or beyond it, ``[N, 4]``."""
    low = boxes[:, :2] <= AT_BORDER
    high = boxes[:, 2:] >= image_sizes[:, ::-1] - AT_BORDER
    return np.concatenate([low, high], axis=1)


def _of_side(offsets: Floats, categories: npt.NDArray[np.int64], count: int) -> tuple[Floats, Floats]:
    """Offsets of one side and half their intervals, both ``[C]``; NaN among the offsets are of no object."""
    known = ~np.isnan(offsets)
    offsets, categories = offsets[known], categories[known]
    counts = np.bincount(categories, minlength=count)
    seen = counts > 0
    freedom = len(offsets) - seen.sum()
    if len(offsets) < LEAST_BOXES or freedom < 1:
        return np.zeros(count), np.full(count, np.inf)
    medians = np.array([np.median(offsets[categories == key]) if seen[key] else 0.0 for key in range(count)])
    deviations = offsets - medians[categories]
    largest = LARGEST_DEVIATION * MAD_TO_DEVIATION * np.median(np.abs(deviations))
    deviations = deviations.clip(-largest, largest)
    means = medians + np.bincount(categories, deviations, count) / counts.clip(1)
    residuals = deviations - (means - medians)[categories]
    within = max((residuals**2).sum() / freedom, SMALLEST)
    errors = within / counts[seen]
    between = _between(means[seen], errors)
    weights = 1 / (between + errors)
    overall, uncertainty = (weights * means[seen]).sum() / weights.sum(), 1 / weights.sum()
    sides, variances = np.full(count, overall), np.full(count, between + uncertainty)
    share = between / (between + errors)  # of what a category differs by that is its own
    sides[seen] = overall + share * (means[seen] - overall)
    variances[seen] = share * errors + (1 - share) ** 2 * uncertainty
    return sides, stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variances)


def _between(means: Floats, errors: Floats) -> float:
    """The variance between categories, beyond what the errors of their means explain."""
    weights = 1 / errors
    overall = (weights * means).sum() / weights.sum()
    excess = (weights * (means - overall) ** 2).sum() - (len(means) - 1)
    scale = weights.sum() - (weights**2).sum() / weights.sum()
    return float(max(excess, 0) / scale) if len(means) > 1 else 0.0
