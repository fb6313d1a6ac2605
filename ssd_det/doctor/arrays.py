"""The types of columns, and tables whose columns lie in memory one after the other, as checks look at whole columns."""

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
Column = TypeVar("Column", bound=npt.NDArray[Any])


def chosen_rows(table: Column, marks: Booleans) -> Column:
    """Rows of a table ``[N, K]`` or ``[N]`` that are marked; ``table[marks]`` would lie in memory row by row."""
    return np.compress(marks, table.T, axis=-1).T  # type: ignore[return-value]


def rows_at(table: Floats, index: Integers) -> Floats:
    """The row of a table ``[N, K]`` at each index ``[M]``: ``[M, K]``; ``table[index]`` takes six times as long."""
    return np.take(table.T, index, axis=1).T
