import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.models.views import View, from_view, make_views, to_view

IMAGES = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
OBJECTS = Objects(
    torch.tensor([[4.0, 5.0, 30.0, 40.0], [10.0, 2.0, 50.0, 60.0], [0.0, 0.0, 80.0, 50.0]]),
    torch.tensor([0, 1, 0]),
    torch.tensor([0, 0, 1]),
    torch.tensor([[60.0, 90.0], [64.0, 96.0]]),
)


@pytest.mark.parametrize("view", [View(), View(mirrored=True), View(scale=0.7), View(True, 1.3)])
def test_boxes_come_back_from_every_view(view):
    images, objects = to_view(IMAGES, OBJECTS, view)
    assert images.shape[2] % 32 == images.shape[3] % 32 == 0
    assert (objects.boxes[:, 2:] > objects.boxes[:, :2]).all()
    assert_close(from_view(objects.boxes, IMAGES, OBJECTS, view), OBJECTS.boxes, rtol=0, atol=1e-4)


def test_what_is_in_a_box_is_still_in_it():
    images = torch.zeros(1, 3, 64, 96)
    images[:, :, 20:40, 16:32] = 1
    objects = Objects(
        torch.tensor([[16.0, 20.0, 32.0, 40.0]]),
        torch.tensor([0]),
        torch.tensor([0]),
        torch.tensor([[60.0, 90.0]]),
    )
    seen, placed = to_view(images, objects, View(mirrored=True, scale=2))
    x1, y1, x2, y2 = placed.boxes[0].round().long().tolist()
    assert (x1, y1, x2, y2) == (116, 40, 148, 80)
    assert seen[0, :, y1 + 2 : y2 - 2, x1 + 2 : x2 - 2].min() > 0.99
    assert_close(seen.sum(), 4 * images.sum(), rtol=0.02, atol=0)


def test_the_views_are_those_asked_for():
    assert make_views() == [View()]
    assert make_views(True, [0.8]) == [View(), View(mirrored=True), View(scale=0.8)]
