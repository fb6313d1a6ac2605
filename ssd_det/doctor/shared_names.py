"""Image entries that share a file name: one for each object of a picture, or different pictures."""

import numpy as np

from ssd_det.doctor.arrays import Booleans, Integers
from ssd_det.doctor.columns import NOT_FOUND, Columns
from ssd_det.doctor.image_faults import Headers


def find_shared_names(columns: Columns, headers: Headers | None, may_join: bool) -> None:
    """Find image entries that share a file name, and join those that were made for one object each.

    They were if no such entry of the file has more than one annotation, and the entries of a name differ in nothing but
    their id. With image files, the file must exist.

    Args:
        columns: of the file.
        headers: of the image files, ``None`` where they were not looked for.
        may_join: whether entries may be joined, which those of a folder may not: each is a file of its own there.
    """
    first = _first_of_name(columns)
    later = first != np.arange(len(first))
    if may_join and later.any() and _one_object_each(columns, first, later, headers):
        columns.add_fault("image-per-object", "images", later, "file_name")
        columns.kept_images[later] = False
        found = columns.image_index != NOT_FOUND
        columns.image_index[found] = first[columns.image_index[found]]
    else:
        columns.add_fault("repeated-file-name", "images", later, "file_name", "width", "height")


def _first_of_name(columns: Columns) -> Integers:
    """``[M]``, the first image with the file name of each, the image itself where it has none."""
    first_of: dict[str, int] = {}
    names = enumerate(columns.file_names)
    return np.array([i if name is None else first_of.setdefault(name, i) for i, name in names], dtype=np.int64)


def _one_object_each(columns: Columns, first: Integers, later: Booleans, headers: Headers | None) -> bool:
    indices = np.flatnonzero(later)
    shared = np.union1d(indices, first[indices])
    found = columns.image_index[columns.image_index != NOT_FOUND]
    if np.bincount(found, minlength=len(first))[shared].max(initial=0) > 1:
        return False
    if np.isnan(columns.image_size[shared]).any():
        return False
    if headers is not None and any(headers.findings[index].path is None for index in shared.tolist()):
        return False
    images = columns.entries["images"]
    return all({**images[i], "id": 0} == {**images[first[i]], "id": 0} for i in indices.tolist())
