"""What refined boxes are still wrong by, as far as it can be told from where they came from and how large they are.

A refiner goes part of the way to the object, and a box that came out larger than most of its category is on the whole
too large. How much of either it is differs from data to data, and is learnt from a few boxes that are known.
"""

from dataclasses import dataclass

import torch
from scipy.stats import t as student
from torch import Tensor

from ssd_det.ops.boxes import centre_and_size, displaced, displacement, iou

LEAST_OF_CATEGORY = 20  # boxes of which the usual size is known
LARGEST_MOVE = 1.0  # in units of the box, and as a logarithm, so that a few wild boxes do not decide
LARGEST_ERROR = 0.3
PRIOR_COUNT = 100  # boxes without an error that the prior counts as much as
FOLDS = 10
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Clues:
    """What the error of refined boxes is told from, a row for each of N boxes.

    Attributes:
        along: ``Tensor[2, N, C]``, C clues for the horizontal and for the vertical; the first is 1, the others are in
            deviations of those of all boxes.
        categories: ``LongTensor[N]``, from 0 on.
        count: K, of the categories.
    """

    along: Tensor
    categories: Tensor
    count: int

    def rows(self, chosen: Tensor) -> "Clues":
        """Those of some of the boxes."""
        return Clues(self.along[:, chosen], self.categories[chosen], self.count)


@dataclass(frozen=True)
class RestError:
    """How the error follows from the clues.

    Attributes:
        weights: ``Tensor[2, C, 2]``, for the horizontal and for the vertical, of centre and size.
        of_categories: ``Tensor[2, K, 2]``, what is to be added for each category.
    """

    weights: Tensor
    of_categories: Tensor

    def without(self, boxes: Tensor, clues: Clues) -> Tensor:
        """Boxes xyxy ``Tensor[N, 4]`` without the error."""
        errors = clues.along @ self.weights + self.of_categories[:, clues.categories]
        centre, size = errors.clamp(-LARGEST_ERROR, LARGEST_ERROR).unbind(dim=2)
        return displaced(boxes, torch.cat([centre, size]).T)


def clues(noisy: Tensor, refined: Tensor, categories: Tensor) -> Clues:
    """What the error of refined boxes may be told from: how they moved and grew, and how their size is unusual.

    Args:
        noisy: ``Tensor[N, 4]``, xyxy in pixels, what the refined boxes came from.
        refined: ``Tensor[N, 4]``, with area.
        categories: ``LongTensor[N]``; those with fewer than 20 boxes have no usual size.
    """
    moves = displacement(refined, noisy).clamp(-LARGEST_MOVE, LARGEST_MOVE)
    unusual = _unusual(centre_and_size(refined)[1].log(), categories).clamp(-LARGEST_MOVE, LARGEST_MOVE)
    one = torch.ones_like(moves[:, 0])
    along = torch.stack(
        [
            torch.stack([one, moves[:, axis], moves[:, 2 + axis], unusual[:, axis], unusual[:, 1 - axis]], dim=1)
            for axis in (0, 1)
        ]
    )
    spread = along.std(dim=1, keepdim=True)
    scaled = torch.where(spread > 0, along / spread.clamp(min=torch.finfo(along.dtype).tiny), along)
    known, numbers = torch.unique(categories, return_inverse=True)
    return Clues(scaled, numbers, len(known))


def fit_rest_error(found: Clues, refined: Tensor, true: Tensor) -> RestError:
    """Learn the error from boxes that are known: ridge regression, drawn towards none.

    What it leaves of the error of a category is added, drawn towards nothing as well.

    Args:
        found: of the boxes.
        refined: ``Tensor[N, 4]``, xyxy in pixels.
        true: ``Tensor[N, 4]``.
    """
    errors = displacement(refined, true).clamp(-LARGEST_ERROR, LARGEST_ERROR)
    of_axes = errors.view(-1, 2, 2).permute(2, 0, 1)  # axis, box, centre or size
    gram = found.along.mT @ found.along + PRIOR_COUNT * torch.eye(found.along.shape[2], dtype=refined.dtype)
    weights = torch.linalg.solve(gram, found.along.mT @ of_axes)
    left = of_axes - found.along @ weights
    sums = left.new_zeros(2, found.count, 2).index_add(1, found.categories, left)
    counts = found.categories.bincount(minlength=found.count)
    return RestError(weights, sums / (counts + PRIOR_COUNT)[:, None])


def without_unseen(found: Clues, refined: Tensor, true: Tensor, groups: Tensor) -> Tensor:
    """Boxes ``Tensor[N, 4]`` without the error, as boxes of other groups tell it.

    Args:
        found: of the boxes.
        refined: ``Tensor[N, 4]``, xyxy in pixels.
        true: ``Tensor[N, 4]``.
        groups: ``LongTensor[N]``, from 0 on; boxes of an image are alike, so that they are not to judge each other.
    """
    result, fold = refined.clone(), groups % FOLDS
    for number in torch.unique(fold).tolist():
        own = fold == number
        rest = fit_rest_error(found.rows(~own), refined[~own], true[~own])
        result[own] = rest.without(refined[own], found.rows(own))
    return result


def is_surely_better(boxes: Tensor, others: Tensor, true: Tensor, groups: Tensor) -> bool:
    """Whether the mean IoU of boxes with the true ones is surely (95%) above that of others.

    Args:
        boxes: ``Tensor[N, 4]``, xyxy.
        others: ``Tensor[N, 4]``.
        true: ``Tensor[N, 4]``.
        groups: ``LongTensor[N]``, from 0 on; what boxes of a group gain may be alike.
    """
    gains = iou(boxes, true) - iou(others, true)
    count = int(groups.max()) + 1 if len(groups) else 0
    if count < 2:
        return False
    of_groups = torch.zeros(count, dtype=gains.dtype).index_add(0, groups, gains - gains.mean())
    deviation = (of_groups.square().sum() * count / (count - 1)).sqrt() / len(gains)
    return bool(gains.mean() > student.ppf(CONFIDENCE, count - 1) * deviation)


def _unusual(sizes: Tensor, categories: Tensor) -> Tensor:
    """By how much logarithms ``Tensor[N, 2]`` differ from the median of their category; 0 where it has few boxes."""
    result = torch.zeros_like(sizes)
    for category in torch.unique(categories).tolist():
        own = categories == category
        if own.sum() >= LEAST_OF_CATEGORY:
            result[own] = sizes[own] - sizes[own].median(dim=0).values
    return result
