"""Where ids stand among others, for many at once."""

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]

ABSENT = -1
MOST_UNUSED = 4  # ids between the lowest and the highest, for each that there is, up to which a table is made of all


def rows_of(ids: Integers, among: Integers) -> Integers:
    """Where ids ``[N]`` stand first among others: ``[N]``, ``ABSENT`` for those that do not."""
    if not len(among):
        return np.full(len(ids), ABSENT)
    lowest, highest = int(among.min()), int(among.max())
    if highest - lowest > MOST_UNUSED * (len(among) + len(ids)):
        order = among.argsort(kind="stable")
        rows = order[np.searchsorted(among[order], ids).clip(max=len(among) - 1)]
        return np.where(among[rows] == ids, rows, ABSENT)
    row_of = np.full(highest - lowest + 2, ABSENT)  # the last one is that of ids outside
    row_of[among[::-1] - lowest] = np.arange(len(among))[::-1]  # the first of equal ones, as it is written last
    found: Integers = row_of[np.where((ids >= lowest) & (ids <= highest), ids - lowest, -1)]
    return found
