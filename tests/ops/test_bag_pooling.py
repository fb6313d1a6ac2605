import pytest
import torch
from torch.testing import assert_close

from ssd_det.ops import bag_pooling
from ssd_det.ops.bag_pooling import Pyramid, pool_boxes, pyramid_level
from ssd_det.ops.boxes import mirror

STRIDES = (4, 8, 16, 32)


def pyramid(dtype=torch.float64, channels=5):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(2, channels, 256 // s, 320 // s, generator=generator, dtype=dtype, requires_grad=True)
        for s in STRIDES
    ]


def random_boxes(count=60):
    generator = torch.Generator().manual_seed(1)
    corner = torch.rand(count, 2, generator=generator, dtype=torch.float64) * 360 - 60
    size = torch.exp(torch.rand(count, 2, generator=generator, dtype=torch.float64) * 6 + 1)
    return torch.cat([corner, corner + size], dim=1), torch.randint(2, (count,), generator=generator)


@pytest.mark.parametrize("sampling_ratio", [1, 2, 3])
def test_pooling_by_lookup_equals_torchvision(sampling_ratio, monkeypatch):
    features, (boxes, images) = pyramid(), random_boxes()
    assert len(pyramid_level(boxes, 4).unique()) == 4
    weights = torch.randn(60, 7, 7, 5, dtype=torch.float64)
    pooled = pool_boxes(Pyramid(features, STRIDES), boxes, images, 7, sampling_ratio)
    gradients = torch.autograd.grad((pooled * weights).sum(), features)
    monkeypatch.setattr(bag_pooling, "_pool_by_lookup", bag_pooling._pool_by_level)
    expected = pool_boxes(Pyramid(features, STRIDES), boxes, images, 7, sampling_ratio)
    assert_close(pooled, expected, rtol=1e-9, atol=1e-9)
    expected_gradients = torch.autograd.grad((expected * weights).sum(), features)
    assert_close(gradients, expected_gradients, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("sampling_ratio", [0, 2])
def test_every_level_gets_a_gradient_even_without_boxes(sampling_ratio):
    features = pyramid()
    pooled = pool_boxes(
        Pyramid(features, STRIDES),
        torch.zeros(0, 4, dtype=torch.float64),
        torch.zeros(0, dtype=torch.long),
        7,
        sampling_ratio,
    )
    assert pooled.shape == (0, 7, 7, 5)
    pooled.sum().backward()
    assert all(feature.grad is not None and not feature.grad.any() for feature in features)


@pytest.mark.parametrize("pool", [bag_pooling._pool_by_level, bag_pooling._pool_by_lookup])
def test_features_in_half_precision_do_not_round_the_boxes(pool):
    """Half precision has steps of whole pixels at the coordinates of large images."""
    step = (torch.arange(320) >= 251).float().expand(1, 4, 40, 320)
    features = [step, *(torch.zeros(1, 4, 40 >> level, 320 >> level) for level in (1, 2, 3))]
    boxes = torch.tensor([[1003.0, 21, 1007, 25]])
    half = [feature.bfloat16() for feature in features]
    images = torch.zeros(1, dtype=torch.long)
    pooled = pool(Pyramid(half, STRIDES), boxes, images, torch.zeros(1, dtype=torch.long), 1, 2)
    assert pooled.flatten()[0].item() == pytest.approx(0.75, abs=0.01)  # samples at cells 250.5 and 251


def test_pooling_commutes_with_mirroring():
    features, (boxes, images) = pyramid(), random_boxes()
    pooled = pool_boxes(Pyramid(features, STRIDES), boxes, images)
    mirrored = pool_boxes(
        Pyramid([feature.flip(3) for feature in features], STRIDES), mirror(boxes, torch.tensor(320.0)), images
    )
    assert_close(mirrored.flip(2), pooled, rtol=1e-9, atol=1e-9)


def test_pooling_is_deterministic_to_the_bit():
    features, (boxes, images) = pyramid(torch.float32), random_boxes()

    def gradients():
        return torch.autograd.grad(pool_boxes(Pyramid(features, STRIDES), boxes.float(), images).sum(), features)

    assert all(torch.equal(a, b) for a, b in zip(gradients(), gradients(), strict=True))


def test_level_grows_with_the_square_root_of_the_area():
    sides = torch.tensor([1.0, 111.0, 112.0, 224.0, 448.0, 5000.0])
    boxes = torch.stack([torch.zeros(6), torch.zeros(6), sides, sides], dim=1)
    assert pyramid_level(boxes, 4).tolist() == [0, 0, 1, 2, 3, 3]
