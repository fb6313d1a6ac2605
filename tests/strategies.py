"""What hypothesis draws from, in more than one test."""

import torch
from hypothesis import strategies as st

IMAGE_HEIGHT, IMAGE_WIDTH = 120.0, 160.0


def boxes(count=3):
    """``Tensor[count, 4]``, float64, xyxy, sizes from 2 to 100, some leaving the image."""
    place = st.floats(-20, 140, width=32)
    side = st.floats(2, 100, width=32)
    row = st.tuples(place, place, side, side).map(lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]])
    return st.lists(row, min_size=count, max_size=count).map(lambda rows: torch.tensor(rows, dtype=torch.float64))
