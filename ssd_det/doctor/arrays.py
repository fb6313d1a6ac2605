"""The types of columns, and tables whose columns lie in memory one after the other, as checks look at whole columns."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]


def chosen_rows(table: Floats, marks: Booleans) -> Floats:
    """Rows of a table ``[N, K]`` that are marked, ``[N]``; ``table[marks]`` would lie in memory row by row."""
    return np.compress(marks, table.T, axis=1).T


def rows_at(table: Floats, index: Integers) -> Floats:
    """The row of a table ``[N, K]`` at each index ``[M]``: ``[M, K]``; ``table[index]`` takes six times as long."""
    return np.take(table.T, index, axis=1).T
