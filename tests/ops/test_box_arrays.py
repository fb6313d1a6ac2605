import numpy as np
from hypothesis import given
from torchvision.ops import box_convert

from ssd_det.ops import boxes as tensors
from ssd_det.ops.box_arrays import corners, iou
from tests.strategies import boxes


@given(boxes(), boxes())
def test_iou_equals_that_of_tensors_to_the_bit(first, second):
    expected = tensors.iou(first[:, None], second)
    np.testing.assert_array_equal(iou(first[:, None].numpy(), second.numpy()), expected.numpy())


def test_iou_of_boxes_without_area_is_zero():
    empty = np.zeros((2, 4))
    assert iou(empty, empty).tolist() == [0, 0]


@given(boxes())
def test_corners_equal_torchvision_to_the_bit(drawn):
    xywh = box_convert(drawn, "xyxy", "xywh")
    np.testing.assert_array_equal(corners(xywh.tolist()), box_convert(xywh, "xywh", "xyxy").numpy())
    assert corners([]).shape == (0, 4)


def test_corners_leave_their_input_unchanged():
    xywh = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert corners(xywh).tolist() == [[1, 2, 4, 6]]
    assert xywh.tolist() == [[1, 2, 3, 4]]
