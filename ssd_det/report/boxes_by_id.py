"""Boxes that are looked up by the ids of annotations, many at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ssd_det.ops.box_arrays import Floats
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.id_rows import ABSENT, Integers, rows_of


@dataclass(frozen=True, eq=False)
class BoxesById:
    """The boxes of M annotations.

    Attributes:
        ids: ``[M]``, of the annotations, each once.
        boxes: ``[M, 4]``, xywh in pixels.
    """

    ids: Integers
    boxes: Floats

    @classmethod
    def of(cls, boxes: Mapping[int, Xywh]) -> "BoxesById":
        """Boxes xywh, by annotation id."""
        table = np.array(list(boxes.values()), dtype=np.float64)
        return cls(np.array(list(boxes), dtype=np.int64), table.reshape(-1, 4))

    def __len__(self) -> int:
        return len(self.ids)

    def at(self, ids: Integers) -> Floats:
        """The boxes of annotations ``[N]``: ``[N, 4]``, NaN where none is known."""
        rows = rows_of(ids, self.ids)
        found = np.full((len(ids), 4), np.nan)
        known = rows != ABSENT
        found[known] = self.boxes[rows[known]]
        return found
