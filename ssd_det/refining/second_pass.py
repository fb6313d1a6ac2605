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


class SecondPass(NamedTuple):
    """What a second pass makes of N boxes; where it finds none, those that it began with.

    Attributes:
        boxes: ``Tensor[N, 4]``, xyxy in pixels.
        unseen: ``Tensor[N, 4]``, those of the refiners alone that were not trained on the image.
    """

    boxes: Tensor
    unseen: Tensor


def second_pass(annotation_ids: Sequence[int], boxes: Tensor, refine_again: RefineAgain) -> SecondPass:
    """Refine boxes once more.

    Args:
        annotation_ids: of N objects.
        boxes: ``Tensor[N, 4]``, xyxy in pixels, as the first pass found them.
        refine_again: does the pass.
    """
    again = refine_again(annotation_ids, boxes)
    rows = again.rows_of(annotation_ids)
    is_found = (rows >= 0)[:, None]
    return SecondPass(
        torch.where(is_found, again.boxes[rows], boxes), torch.where(is_found, again.unseen_boxes[rows], boxes)
    )
