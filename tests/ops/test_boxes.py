import torch
from hypothesis import given
from torch.testing import assert_close
from torchvision.ops import box_iou

from ssd_det.ops.boxes import (
    area,
    centre_distance,
    clip,
    corners,
    decode,
    encode,
    intersection,
    iof,
    iou,
    mirror,
    mirror_images,
)
from tests.strategies import IMAGE_WIDTH, boxes


@given(boxes(), boxes())
def test_iou_equals_torchvision(first, second):
    assert_close(iou(first[:, None], second), box_iou(first, second), rtol=1e-6, atol=1e-9)


@given(boxes(), boxes())
def test_iof_is_the_share_of_the_first_box(first, second):
    assert_close(iof(first, second), intersection(first, second) / area(first))
    assert_close(iof(first, first), torch.ones(len(first), dtype=torch.float64))


def test_iou_of_boxes_without_area_is_zero():
    empty = torch.zeros(1, 4)
    assert iou(empty, empty).item() == 0
    assert iof(empty, empty).item() == 0


@given(boxes(), boxes())
def test_decode_undoes_encode(proposals, targets):
    assert_close(decode(proposals, encode(proposals, targets)), targets, rtol=1e-9, atol=1e-6)


@given(boxes(), boxes())
def test_encode_and_decode_commute_with_mirroring(proposals, targets):
    width = torch.tensor(IMAGE_WIDTH, dtype=torch.float64)
    deltas = encode(proposals, targets)
    mirrored = encode(mirror(proposals, width), mirror(targets, width))
    flipped = deltas * deltas.new_tensor([-1, 1, 1, 1])
    assert_close(mirrored, flipped, rtol=1e-6, atol=1e-9)
    assert_close(
        decode(mirror(proposals, width), flipped), mirror(decode(proposals, deltas), width), rtol=1e-6, atol=1e-6
    )


def test_decode_limits_the_change_of_size_both_ways():
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    large = decode(box, torch.tensor([[0.0, 0.0, 1000.0, 0.0]]))
    small = decode(box, torch.tensor([[0.0, 0.0, -1000.0, 0.0]]))
    assert_close(large[0, 2] - large[0, 0], torch.tensor(625.0), rtol=1e-5, atol=0)
    assert_close(small[0, 2] - small[0, 0], torch.tensor(0.16), rtol=1e-5, atol=0)


def test_clip_keeps_boxes_inside_their_own_image():
    clipped = clip(torch.tensor([[-5.0, -5.0, 50.0, 50.0], [1.0, 2.0, 3.0, 4.0]]), torch.tensor([[20, 30], [20, 30]]))
    assert clipped.tolist() == [[0, 0, 30, 20], [1, 2, 3, 4]]


@given(boxes())
def test_mirroring_twice_changes_nothing(original):
    width = torch.tensor(IMAGE_WIDTH, dtype=torch.float64)
    assert_close(mirror(mirror(original, width), width), original)


def test_images_are_mirrored_inside_their_own_width():
    images = torch.arange(8.0).reshape(1, 1, 1, 8).expand(1, 3, 1, 8)
    assert mirror_images(images, torch.tensor([5.0]))[0, 0, 0, :5].tolist() == [4, 3, 2, 1, 0]


def test_corners_of_xywh_boxes():
    assert corners([(1, 2, 3, 4)]).tolist() == [[1, 2, 4, 6]]
    assert corners([]).shape == (0, 4)


def test_the_distance_between_centres():
    boxes = torch.tensor([[0.0, 0, 10, 10], [0, 0, 4, 4]])
    others = torch.tensor([[3.0, 4, 13, 14], [1, 1, 3, 3]])
    assert centre_distance(boxes, others).tolist() == [5.0, 0.0]
