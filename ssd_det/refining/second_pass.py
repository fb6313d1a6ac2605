"""A second pass, from the boxes of the first: where the first leaves a part of the noise, the means of both are closer.

Where a refiner errs more by itself than by the noise that it leaves, a second pass only adds to its error. Which it is
shows where true boxes are known: in a rehearsal.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ssd_det.refining.refined_boxes import RefinedBoxes

# Refines annotations, by id, with other boxes ``Tensor[M, 4]``, xyxy in pixels, in place of those of the file.
RefineAgain = Callable[[Sequence[int], Tensor], RefinedBoxes]


class MeanBoxes(NamedTuple):
    """The means of the boxes of two passes; where the second finds none, those of the first.

    Attributes:
        boxes: ``Tensor[N, 4]``, xyxy in pixels.
        unseen: ``Tensor[N, 4]``, those of the refiners alone that were not trained on the image; the boxes themselves
            where these were in the first pass.
    """

    boxes: Tensor
    unseen: Tensor


def means_of_two_passes(
    annotation_ids: Sequence[int], boxes: Tensor, unseen: Tensor, refine_again: RefineAgain
) -> MeanBoxes:
    """Refine boxes once more.

    Args:
        annotation_ids: of N objects.
        boxes: ``Tensor[N, 4]``, xyxy in pixels, as the first pass found them, and the second begins with.
        unseen: ``Tensor[N, 4]``, those of the refiners alone that were not trained on the image.
        refine_again: does the pass.
    """
    again = refine_again(annotation_ids, boxes)
    rows = again.rows_of(annotation_ids)
    is_found = (rows >= 0)[:, None]

    def mean(first: Tensor, second: Tensor) -> Tensor:
        return torch.where(is_found, (first + second[rows]) / 2, first)

    means = mean(boxes, again.boxes)
    return MeanBoxes(means, means if unseen is boxes else mean(unseen, again.unseen_boxes))
