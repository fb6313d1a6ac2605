"""What a pass of the refiner over an annotation file finds, as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.models.signals import SIGNALS

MISSING = -1


@dataclass(frozen=True)
class RefinedBoxes:
    """Refined boxes, a row for each object, in the order of their annotation ids.

    Attributes:
        annotation_ids: ``LongTensor[N]``, ascending.
        boxes: ``Tensor[N, 4]``, float64, xyxy in pixels of the original images.
        unseen_boxes: ``Tensor[N, 4]``, float64, those of the refiners alone that were not trained on the image; as the
            boxes where all were.
        signals: ``Tensor[N, S]``, float64, see :data:`ssd_det.models.signals.SIGNALS`.
        noise_level: as it is estimated from the pass; ``None`` where there were too few objects.
    """

    annotation_ids: Tensor
    boxes: Tensor
    unseen_boxes: Tensor
    signals: Tensor
    noise_level: float | None

    def rows_of(self, annotation_ids: Sequence[int]) -> Tensor:
        """The row of each annotation, ``LongTensor[M]``; -1 where it was not refined, or its box has no area."""
        wanted = torch.tensor(annotation_ids, dtype=torch.long)
        if not len(self.annotation_ids):
            return torch.full_like(wanted, MISSING)
        rows = torch.searchsorted(self.annotation_ids, wanted).clamp(max=len(self.annotation_ids) - 1)
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        usable = (self.annotation_ids[rows] == wanted) & (sides > LEAST_SIDE).all(dim=1)[rows]
        return torch.where(usable, rows, MISSING)


def no_boxes() -> RefinedBoxes:
    """The table without a row."""
    empty = torch.zeros(0, 4, dtype=torch.float64)
    signals = torch.zeros(0, len(SIGNALS), dtype=torch.float64)
    return RefinedBoxes(torch.zeros(0, dtype=torch.long), empty, empty, signals, None)
