"""Annotations as columns of numbers: a fifth of the memory of tuples, and quick to compare."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import repeat
from operator import attrgetter
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.entries_on_demand import EntriesOnDemand
from ssd_det.annotations.values import LEAST_SIDE
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.flat_numbers import flat_numbers

Booleans = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

NO_BOX = (float("nan"),) * 4


@dataclass(frozen=True, eq=False)
class AnnotationColumns(EntriesOnDemand[Annotation]):
    """N annotations; as a sequence, they are made when they are asked for.

    The columns are the fields of :class:`ssd_det.annotations.annotation.Annotation`, in its order.

    Attributes:
        id: ``[N]``.
        image_id: ``[N]``.
        category_id: ``[N]``.
        bbox: ``[N, 4]``, xywh in pixels.
        crowd: ``[N]``.
        difficult: ``[N]``.
        true_bbox: ``[N, 4]``, NaN where there is none.
        original_bbox: ``[N, 4]``, NaN where there is none.
        rotated: ``[N]``.
        trusted: ``[N]``.
        position: ``[N]``.
    """

    id: Integers
    image_id: Integers
    category_id: Integers
    bbox: Floats
    crowd: Booleans
    difficult: Booleans
    true_bbox: Floats
    original_bbox: Floats
    rotated: Booleans
    trusted: Booleans
    position: Integers

    @classmethod
    def of(cls, annotations: Sequence[Annotation]) -> "AnnotationColumns":
        """The columns of annotations, which may be columns already."""
        if isinstance(annotations, cls):
            return annotations
        return cls(*_columns(list(zip(*annotations, strict=True)) or [()] * len(Annotation._fields)))

    def __len__(self) -> int:
        return len(self.id)

    @property
    def unrefined(self) -> Floats:
        """``[N, 4]``, the boxes before refining, which are the boxes themselves where they were not refined."""
        return np.where(np.isnan(self.original_bbox), self.bbox, self.original_bbox)

    @property
    def measurable(self) -> Booleans:
        """``[N]``, as :attr:`ssd_det.annotations.annotation.Annotation.measurable`."""
        is_one_box = ~(self.crowd | self.difficult | self.rotated)
        return is_one_box & (self.bbox[:, 2] >= LEAST_SIDE) & (self.bbox[:, 3] >= LEAST_SIDE)

    def rows(self, rows: Sequence[int] | Integers | Booleans | slice) -> "AnnotationColumns":
        """Some of the annotations: by their rows, in the order of these, or by a mark for each."""
        if isinstance(rows, np.ndarray) and rows.dtype == bool and rows.all():
            return self
        index = rows if isinstance(rows, slice | np.ndarray) else np.array(rows, dtype=np.int64)
        return AnnotationColumns(*(column[index] for column in self._columns()))

    def made(self, positions: slice) -> list[Annotation]:
        """The annotations of some rows."""
        part = self.rows(positions)
        return list(map(Annotation._make, zip(*map(_values, part._columns()), strict=True)))

    def _columns(self) -> Iterator[npt.NDArray[Any]]:
        return (getattr(self, field.name) for field in fields(self))


def ids_of(annotations: Sequence[Annotation], field: Literal["id", "image_id", "category_id"]) -> Integers:
    """One of the ids of each annotation, ``[N]``."""
    if isinstance(annotations, AnnotationColumns):
        ids: Integers = getattr(annotations, field)
        return ids
    return np.array(list(map(attrgetter(field), annotations)), dtype=np.int64)


class ColumnsInPieces:
    """Columns that are filled one piece after the other, so that they are in memory once.

    Args:
        most: how many annotations there may be.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._columns = [np.empty((most, *column.shape[1:]), column.dtype) for column in _columns([()] * 11)]

    def add(self, piece: Sequence[Sequence[Any]]) -> None:
        """Add annotations.

        Args:
            piece: for each field of an annotation, its values.
        """
        stop = self._count + len(piece[0])
        for column, part in zip(self._columns, _columns(piece), strict=True):
            column[self._count : stop] = part
        self._count = stop

    def whole(self) -> AnnotationColumns:
        """All that were added."""
        return AnnotationColumns(*(column[: self._count] for column in self._columns))


def _columns(piece: Sequence[Sequence[Any]]) -> list[npt.NDArray[Any]]:
    """An array for each field of annotations, of its values."""
    names = Annotation._fields
    return [_column(name, values) for name, values in zip(names, piece, strict=True)]


def _column(name: str, values: Sequence[Any]) -> npt.NDArray[Any]:
    if name.endswith("bbox"):
        return _boxes(values)
    return np.array(values, dtype=np.int64 if name.endswith("id") or name == "position" else bool)


def _boxes(boxes: Sequence[Xywh | None]) -> Floats:
    """``[N, 4]``, NaN for ``None``."""
    if boxes.count(None) == len(boxes):
        return np.full((len(boxes), 4), np.nan)
    numbers = flat_numbers([box or NO_BOX for box in boxes])
    assert numbers is not None  # they are floats
    return numbers.reshape(-1, 4)


def _values(column: npt.NDArray[Any]) -> Iterable[Any]:
    """The values of a column as annotations have them."""
    if column.ndim == 1:
        values: list[Any] = column.tolist()
        return values
    missing = np.isnan(column[:, 0])
    if missing.all():
        return repeat(None, len(column))
    boxes = map(tuple, column.tolist())
    return [None if is_missing else box for box, is_missing in zip(boxes, missing.tolist(), strict=True)]
