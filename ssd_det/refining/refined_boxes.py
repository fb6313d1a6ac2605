"""What a pass of the refiner over an annotation file finds, as a table."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ssd_det.annotations.annotation_columns import ids_of
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.edits.refined import Refinement
from ssd_det.annotations.image_sizes import image_sizes
from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.batches.batch import FailedBatch
from ssd_det.errors import InputError
from ssd_det.models.signals import SIGNALS
from ssd_det.ops.box_types import as_xyxy
from ssd_det.ops.id_rows import Integers, rows_of
from ssd_det.ops.noise_level import best_noise_level, no_statistics
from ssd_det.ops.random_effects import Grouping
from ssd_det.tasks.noise_estimate import GROUPS
from ssd_det.tasks.refine_pass import RefinedBatch

MISSING = -1


@dataclass(frozen=True)
class RefinedBoxes:
    """Refined boxes, a row for each object, in the order of their annotation ids.

    Attributes:
        annotation_ids: ``LongTensor[N]``, ascending.
        boxes: ``Tensor[N, 4]``, float64, xyxy in pixels of the original images.
        unseen_boxes: ``Tensor[N, 4]``, float64, those of the refiners alone that were not trained on the image; the
            boxes themselves where all were, or none.
        signals: ``Tensor[N, S]``, see :data:`ssd_det.models.signals.SIGNALS`.
        noise_level: as it is estimated from the pass; ``None`` where all views and refiners together saw too few
            objects.
    """

    annotation_ids: Tensor
    boxes: Tensor
    unseen_boxes: Tensor
    signals: Tensor
    noise_level: float | None

    def changed(self, change: Callable[[Tensor], Tensor]) -> "RefinedBoxes":
        """The same with other boxes, seen or not."""
        boxes = change(self.boxes)
        unseen = boxes if self.unseen_boxes is self.boxes else change(self.unseen_boxes)
        return replace(self, boxes=boxes, unseen_boxes=unseen)

    def rows_of(self, annotation_ids: Sequence[int]) -> Tensor:
        """The row of each annotation, ``LongTensor[M]``; -1 where it was not refined, or its box has no area."""
        wanted = torch.tensor(annotation_ids, dtype=torch.long)
        if not len(self.annotation_ids):
            return torch.full_like(wanted, MISSING)
        rows = torch.searchsorted(self.annotation_ids, wanted).clamp(max=len(self.annotation_ids) - 1)
        sides = self.boxes[:, 2:] - self.boxes[:, :2]
        usable = (self.annotation_ids[rows] == wanted) & (sides > LEAST_SIDE).all(dim=1)[rows]
        return torch.where(usable, rows, MISSING)


def share_of(batches: Sequence[RefinedBatch | FailedBatch]) -> RefinedBatch:
    """What a process finds in a pass: its batches as one.

    Raises:
        InputError: if one could not be read.
    """
    refined = []
    for batch in batches:
        if isinstance(batch, FailedBatch):
            raise InputError(batch.sentence)
        refined.append(batch)
    return RefinedBatch(
        annotation_ids=torch.cat([torch.zeros(0, dtype=torch.long), *(batch.annotation_ids for batch in refined)]),
        boxes=torch.cat([torch.zeros(0, 4), *(batch.boxes for batch in refined)]),
        unseen_boxes=torch.cat([torch.zeros(0, 4), *(batch.unseen_boxes for batch in refined)]),
        signals=torch.cat([torch.zeros(0, len(SIGNALS)), *(batch.signals for batch in refined)]),
        statistics=sum((batch.statistics.cpu() for batch in refined), no_statistics(*GROUPS)),
    )


def joined(shares: Sequence[RefinedBatch]) -> RefinedBoxes:
    """What all processes have found.

    Raises:
        RuntimeError: if an annotation is in two shares.
    """
    annotation_ids, order = torch.cat([share.annotation_ids for share in shares]).sort()
    if (annotation_ids[1:] == annotation_ids[:-1]).any():
        raise RuntimeError("Two processes refined the same annotation: each must get its own share of the data.")
    boxes, unseen = (
        torch.cat([getattr(share, name) for share in shares])[order].double() for name in ("boxes", "unseen_boxes")
    )
    return RefinedBoxes(
        annotation_ids=annotation_ids,
        boxes=boxes,
        unseen_boxes=boxes if torch.equal(boxes, unseen) else unseen,  # most often, and half the memory
        signals=torch.cat([share.signals for share in shares])[order],
        noise_level=best_noise_level(sum((share.statistics for share in shares), no_statistics(*GROUPS))),
    )


@dataclass(frozen=True)
class OfAnnotations:
    """What the annotations of a file say of them beside their boxes, a row for each.

    Attributes:
        annotation_ids: ``[N]``.
        image_sizes: ``Tensor[N, 2]``, float64, (height, width) of the image.
        categories: of the file's.
        images: of the file's.
    """

    annotation_ids: Integers
    image_sizes: Tensor
    categories: Grouping
    images: Grouping

    @classmethod
    def of_file(cls, coco: CocoFile) -> "OfAnnotations":
        """Those of all annotations of a file."""
        sizes = image_sizes(coco, coco.annotations)
        categories = _grouping(ids_of(coco.annotations, "category_id"), [category.id for category in coco.categories])
        images = _grouping(ids_of(coco.annotations, "image_id"), [image.id for image in coco.images])
        return cls(ids_of(coco.annotations, "id"), torch.from_numpy(sizes), categories, images)

    def of(self, annotation_ids: Tensor) -> "OfAnnotations":
        """Those of some annotations of the file, ``LongTensor[M]``, in the order of these."""
        ids = annotation_ids.numpy()
        rows = torch.from_numpy(rows_of(ids, self.annotation_ids))
        return OfAnnotations(ids, self.image_sizes[rows], self.categories.of(rows), self.images.of(rows))


def _grouping(ids: Integers, known: Sequence[int]) -> Grouping:
    """Which of the known ids others are."""
    return Grouping(torch.from_numpy(rows_of(ids, np.array(known, dtype=np.int64))), len(known))


class Refinements(Mapping[int, Refinement]):
    """Refined boxes and their scores by annotation id, without objects for each of them.

    Args:
        annotation_ids: ``LongTensor[N]``, ascending.
        boxes: ``Tensor[N, 4]``, xyxy in pixels of the original images.
        scores: ``Tensor[N]``, in [0, 1].
    """

    def __init__(self, annotation_ids: Tensor, boxes: Tensor, scores: Tensor) -> None:
        self.annotation_ids = annotation_ids.numpy()
        self.boxes = boxes.numpy()
        self.scores = scores.numpy()

    def __getitem__(self, annotation_id: int) -> Refinement:
        row = int(self.annotation_ids.searchsorted(annotation_id))
        if row == len(self) or self.annotation_ids[row] != annotation_id:
            raise KeyError(annotation_id)
        return Refinement(as_xyxy(self.boxes[row].tolist()), self.scores[row].item())

    def __iter__(self) -> Iterator[int]:
        return iter(self.annotation_ids.tolist())

    def __len__(self) -> int:
        return len(self.annotation_ids)
