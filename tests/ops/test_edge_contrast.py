import torch

from ssd_det.ops.edge_contrast import edge_contrast, integral_image


def rectangle(x1, y1, x2, y2):
    image = torch.zeros(60, 80, 1)
    image[y1:y2, x1:x2] = 10.0
    return integral_image(image)


def test_every_side_of_a_box_on_its_object_has_the_full_contrast():
    box = torch.tensor([20.0, 10.0, 50.0, 40.0])
    assert edge_contrast(rectangle(20, 10, 50, 40), box).tolist() == [10.0] * 4


def test_a_side_that_is_off_has_less_and_the_others_keep_theirs():
    box = torch.tensor([25.0, 10.0, 50.0, 40.0])
    left, top, right, bottom = edge_contrast(rectangle(20, 10, 50, 40), box).tolist()
    assert (left, top, right, bottom) == (0.0, 10.0, 10.0, 10.0)


def test_a_side_at_the_border_of_the_image_tells_nothing():
    boxes = torch.tensor([[0.0, 10.0, 30.0, 40.0], [50.0, 30.0, 80.0, 60.0]])
    known = ~edge_contrast(rectangle(20, 10, 50, 40), boxes).isnan()
    assert known.tolist() == [[False, True, True, True], [True, True, False, False]]


def test_channels_add_up():
    image = torch.zeros(60, 80, 3)
    image[10:40, 20:50] = torch.tensor([1.0, 2.0, 4.0])
    assert edge_contrast(integral_image(image), torch.tensor([20.0, 10.0, 50.0, 40.0])).tolist() == [7.0] * 4
