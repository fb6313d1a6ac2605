import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from ssd_det.ops.exif_turns import shown_boxes, shown_size, turned_boxes

ORIENTATION = st.integers(1, 8)


@given(ORIENTATION, st.tuples(*[st.integers(0, 50)] * 4))
def test_there_and_back_changes_nothing(orientation, box):
    size, orientations = np.array([[70.0, 40.0]]), np.array([orientation])
    shown = shown_boxes(np.array([box], dtype=float), orientations, size)
    assert turned_boxes(shown, orientations, size).tolist() == [list(box)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_are_where_viewers_show_the_object(orientation):
    pixels = np.zeros((40, 70), dtype=np.uint8)
    pixels[4:15, 20:53] = 255  # x 20, y 4, 33 wide, 11 high
    picture = Image.fromarray(pixels)
    picture.getexif()[0x0112] = orientation
    shown = np.asarray(ImageOps.exif_transpose(picture))
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    size, orientations = np.array([[70.0, 40.0]]), np.array([orientation])
    assert shown_size(size, orientations).tolist() == [list(shown.shape[::-1])]
    boxes = shown_boxes(np.array([[20.0, 4, 33, 11]]), orientations, size)
    assert boxes.tolist() == [[columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1]]
