"""What is known of the objects of an annotation file while it is refined."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ssd_det.ops.blending import Blend
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import corners


@dataclass(frozen=True)
class FileObjects:
    """The objects of an annotation file and what a pass found for them, a row for each; boxes are xyxy in pixels.

    Attributes:
        annotation_ids: in the file's order.
        image_ids: of their images.
        image_sizes: ``Tensor[N, 2]``, (height, width).
        noisy: ``Tensor[N, 4]``.
        refined: ``Tensor[N, 4]``, with area.
        unseen: ``Tensor[N, 4]``, the refined boxes of the refiners alone that were not trained on the image.
        signals: ``Tensor[N, S]``, see :data:`ssd_det.models.signals.SIGNALS`.
    """

    annotation_ids: Sequence[int]
    image_ids: Sequence[int]
    image_sizes: Tensor
    noisy: Tensor
    refined: Tensor
    unseen: Tensor
    signals: Tensor

    def known(self, boxes: Mapping[int, Xywh]) -> tuple[Tensor, Tensor]:
        """The rows of objects with a box xywh by annotation id, ``LongTensor[M]``, and these boxes ``Tensor[M, 4]``."""
        rows = [row for row, key in enumerate(self.annotation_ids) if key in boxes]
        return torch.tensor(rows, dtype=torch.long), corners([boxes[self.annotation_ids[row]] for row in rows])

    def changed(self, change: Callable[[Tensor], Tensor]) -> "FileObjects":
        """The same with other refined boxes, seen or not."""
        refined = change(self.refined)
        return replace(self, refined=refined, unseen=refined if self.unseen is self.refined else change(self.unseen))

    def blended(self, blend: Blend) -> "FileObjects":
        """The same with boxes between the refined and the noisy ones."""
        return self.changed(lambda boxes: blend(self.noisy, boxes, self.signals))
