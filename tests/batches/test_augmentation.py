import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ssd_det.batches.augmentation import Augmentation

IMAGE = np.random.default_rng(0).integers(0, 256, size=(30, 40, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("shortest", "longest", "expected"), [(60, 100, (60, 80)), (60, 50, (38, 50)), (15, 1000, (15, 20)), (1, 1, (1, 1))]
)
def test_the_shorter_side_is_met_unless_the_longer_one_forbids(shortest, longest, expected):
    augmented = Augmentation(shortest, longest)(IMAGE, seed=0)
    assert augmented.image.shape[:2] == expected
    assert augmented.scale == (expected[1] / 40, expected[0] / 30)


def test_without_resizing_or_chance_the_image_is_the_same():
    augmented = Augmentation(30, 40)(IMAGE, seed=5)
    assert (augmented.image == IMAGE).all()
    assert not augmented.flipped


def test_a_flip_is_recorded():
    for seed in range(6):
        augmented = Augmentation(30, 40, horizontal_flip=0.5)(IMAGE, seed)
        assert (augmented.image == (IMAGE[:, ::-1] if augmented.flipped else IMAGE)).all()
    assert Augmentation(30, 40, horizontal_flip=1.0)(IMAGE, 0).flipped


@given(st.integers(0, 2**31 - 1))
def test_the_same_seed_does_the_same_whatever_came_before(seed):
    augmentation = Augmentation(20, 60, horizontal_flip=0.5, color_jitter=0.3)
    first = augmentation(IMAGE, seed)
    augmentation(IMAGE, seed + 1)
    torch.manual_seed(seed)
    again = augmentation(IMAGE, seed)
    assert (first.image == again.image).all()
    assert first.flipped == again.flipped


def test_colours_change_but_not_the_place_of_things():
    changed = Augmentation(30, 40, color_jitter=0.4)(IMAGE, seed=1).image
    assert changed.shape == IMAGE.shape
    assert np.corrcoef(changed.mean(2).ravel(), IMAGE.mean(2).ravel())[0, 1] > 0.9
    assert (changed != IMAGE).any()


@given(st.integers(0, 2**31 - 1))
def test_a_random_scale_is_the_same_for_both_sides_and_recorded(seed):
    augmented = Augmentation(300, 400, scale_jitter=0.3)(IMAGE, seed)
    height, width = augmented.image.shape[:2]
    assert augmented.scale == (width / 40, height / 30)
    assert 400 * np.exp(-0.3) - 1 <= width <= 400 * np.exp(0.3) + 1
    assert height == pytest.approx(0.75 * width, abs=1)
    again = Augmentation(300, 400, scale_jitter=0.3)(IMAGE, seed)
    assert (again.image == augmented.image).all()


def test_scales_differ_from_seed_to_seed():
    scales = {Augmentation(300, 400, scale_jitter=0.3)(IMAGE, seed).scale for seed in range(8)}
    assert len(scales) == 8
