import numpy as np
import pytest
import torch

from ssd_det.ops.boxes import displaced
from ssd_det.refining.edges import compare_edges

COUNT, SIDE = 400, 200


@pytest.fixture
def true():
    random = np.random.default_rng(0)
    corner, size = random.uniform(40, 80, (COUNT, 2)), random.uniform(40, 80, (COUNT, 2))
    return torch.from_numpy(np.concatenate([corner, corner + size], axis=1)).round()


@pytest.fixture
def read_image(true):
    def read(image_id):
        """A bright ellipse before noise."""
        x1, y1, x2, y2 = true[image_id].tolist()
        y, x = np.mgrid[:SIDE, :SIDE] + 0.5
        inside = ((2 * x - x1 - x2) / (x2 - x1)) ** 2 + ((2 * y - y1 - y2) / (y2 - y1)) ** 2 < 1
        noise = np.random.default_rng(image_id).integers(0, 40, (SIDE, SIDE))
        return (inside * 150 + noise)[..., None].astype(np.uint8)

    return read


def with_noise(boxes, level, seed):
    draws = torch.from_numpy(np.random.default_rng(seed).uniform(-level, level, (COUNT, 4)))
    return displaced(boxes, draws)


def test_boxes_that_scatter_less_are_preferred(true, read_image):
    worse, better = with_noise(true, 0.15, 1), with_noise(true, 0.05, 2)
    assert compare_edges(worse, better, range(COUNT), read_image, seed=0).for_refined
    opposite = compare_edges(better, worse, range(COUNT), read_image, seed=0)
    assert opposite.for_noisy
    assert opposite.added_level == 0


def test_boxes_that_are_all_too_large_do_not_scatter(true, read_image):
    larger = displaced(true, torch.tensor([0, 0, 0.12, 0.12], dtype=torch.float64).expand(COUNT, 4))
    evidence = compare_edges(larger, with_noise(true, 0.15, 1), range(COUNT), read_image, seed=0)
    assert evidence.for_noisy


def test_the_noise_that_makes_the_difference_is_found(true, read_image):
    evidence = compare_edges(with_noise(true, 0.2, 1), true, range(COUNT), read_image, seed=0)
    assert evidence.added_level == pytest.approx(0.2, abs=0.03)


def test_where_nothing_is_to_be_seen_nothing_is_preferred(true):
    evidence = compare_edges(true, true + 3, range(COUNT), lambda _: np.zeros((SIDE, SIDE, 3), np.uint8), seed=0)
    assert not evidence.for_noisy
    assert not evidence.for_refined
