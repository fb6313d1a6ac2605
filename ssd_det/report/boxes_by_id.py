"""Boxes that are looked up by the ids of annotations, many at a time."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ssd_det.ops.box_arrays import Floats
from ssd_det.ops.box_types import Xywh

Integers = npt.NDArray[np.int64]

ABSENT = -1


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


def rows_of(ids: Integers, among: Integers) -> Integers:
    """Where ids ``[N]`` stand among others, each of which is there once: ``[N]``, ``ABSENT`` for those that do not."""
    if not len(among):
        return np.full(len(ids), ABSENT)
    order = among.argsort(kind="stable")
    places = np.searchsorted(among, ids, sorter=order).clip(max=len(among) - 1)
    rows: Integers = np.where(among[order[places]] == ids, order[places], ABSENT)
    return rows
