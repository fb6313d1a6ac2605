"""Boxes in a picture as its EXIF orientation shows it, and in its stored pixels."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

DIGITS = 6  # of computed numbers, so that no floating-point noise is written
FIRST_SIDEWAYS = 5  # orientations from here on show the picture on its side
FROM_RIGHT = (2, 3, 7, 8)  # the stored x grows against the direction that it is shown in
FROM_BELOW = (3, 4, 6, 7)
INVERSE = np.array([1, 1, 2, 3, 4, 5, 8, 7, 6])  # of each orientation, by its number


def turned_boxes(box: Floats, orientation: Integers, size: Floats) -> Floats:
    """Boxes of pictures as they are shown, in the stored pixels.

    Args:
        box: ``[N, 4]``, xywh.
        orientation: ``[N]``, from EXIF, 1 to 8.
        size: ``[N, 2]``, width and height of the stored pixels.

    Returns:
        ``[N, 4]``, xywh.
    """
    sideways = (orientation >= FIRST_SIDEWAYS)[:, np.newaxis]
    x, y, width, height = np.where(sideways, box[:, [1, 0, 3, 2]], box).T
    x = np.where(np.isin(orientation, FROM_RIGHT), (size[:, 0] - x - width).round(DIGITS), x)
    y = np.where(np.isin(orientation, FROM_BELOW), (size[:, 1] - y - height).round(DIGITS), y)
    return np.stack([x, y, width, height], axis=1)


def shown_boxes(box: Floats, orientation: Integers, size: Floats) -> Floats:
    """Boxes in the stored pixels, in the pictures as they are shown; the inverse of :func:`turned_boxes`."""
    return turned_boxes(box, INVERSE[orientation], shown_size(size, orientation))


def shown_size(size: Floats, orientation: Integers) -> Floats:
    """Sizes ``[N, 2]`` of pictures as they are shown, from those of the stored pixels, or the other way round."""
    return np.where((orientation >= FIRST_SIDEWAYS)[:, np.newaxis], size[:, ::-1], size)
