import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.bag_pooling import Pyramid, pool_boxes, pyramid_level
from ssd_det.ops.grid_pooling import pool_grids
from ssd_det.ops.sampling import neighbours, random_proposals, shared_columns

STRIDES = (4, 8, 16, 32)


def pyramid(dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 3, 128 // s, 160 // s, generator=generator, dtype=dtype) for s in STRIDES]
    return Pyramid([feature.requires_grad_() for feature in maps], STRIDES)


def pooled_both_ways(bags, columns, size=3, sampling_ratio=2):
    """What both ways of pooling make, and what leads to the maps backwards."""
    images = torch.arange(len(bags)) % 2
    boxes, each = bags.flatten(0, 1), images.repeat_interleave(bags.shape[1])
    found = []
    for pool in (
        lambda maps: pool_grids(maps, bags, images, columns, size, sampling_ratio),
        lambda maps: pool_boxes(maps, boxes, each, size, sampling_ratio),
    ):
        maps = pyramid(bags.dtype)
        pooled = pool(maps)
        shares = torch.arange(pooled.numel(), dtype=bags.dtype).reshape(pooled.shape).cos()
        found.append([pooled, *torch.autograd.grad((pooled * shares).sum(), maps.features)])
    return found


positions = st.floats(-80, 240)
sides = st.floats(0.5, 600)
boxes = st.tuples(positions, positions, sides, sides).map(
    lambda box: [box[0], box[1], box[0] + box[2], box[1] + box[3]]
)
ratios = st.lists(st.floats(0.3, 3), min_size=1, max_size=4)
offsets = st.lists(st.floats(0.05, 0.6), max_size=2)


@settings(max_examples=60, deadline=None)
@given(st.lists(boxes, min_size=1, max_size=4), ratios, offsets, st.sampled_from([1, 2, 3]), st.data())
def test_bags_are_pooled_as_box_by_box(noisy, ratios, offsets, sampling_ratio, data):
    bags = neighbours(torch.tensor(noisy, dtype=torch.float64), ratios, offsets)
    columns = shared_columns(len(ratios), len(offsets))
    some = random_proposals([0], data.draw(st.integers(1, bags.shape[1])), bags.shape[1])
    bags, columns = bags.index_select(1, some), columns.index_select(0, some)
    by_grid, by_box = pooled_both_ways(bags, columns, sampling_ratio=sampling_ratio)
    assert_close(by_grid, by_box, rtol=1e-9, atol=1e-9)


def test_proposals_of_one_bag_are_pooled_from_their_own_levels():
    bags = neighbours(torch.tensor([[10.0, 10, 130, 100]]), (0.25, 1.0, 3.0), (0.2,))
    assert len(pyramid_level(bags.flatten(0, 1), 4).unique()) == 3
    by_grid, by_box = pooled_both_ways(bags, shared_columns(3, 1))
    assert_close(by_grid, by_box, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("box", [[float("nan")] * 4, [float("inf")] * 4, [5.0, 5, 5, 5], [1e9, 1e9, 2e9, 2e9]])
def test_boxes_that_diverged_or_lie_outside_are_pooled_all_the_same(box):
    bags = neighbours(torch.tensor([box, [5.0, 5, 60, 60]]), (1.0, 1.3), (0.2,))
    by_grid, by_box = pooled_both_ways(bags, shared_columns(2, 1))
    assert_close(by_grid, by_box, rtol=1e-4, atol=1e-4)


def test_no_bags_still_lead_to_every_map():
    by_grid, _ = pooled_both_ways(torch.zeros(0, 45, 4), shared_columns(3, 1))
    assert by_grid[0].shape == (0, 3, 3, 3)
    assert not any(gradient.any() for gradient in by_grid[1:])


def test_pooling_is_the_same_to_the_bit_every_time():
    bags = neighbours(torch.tensor([[5.0, 5, 60, 60], [20, 10, 110, 90]]), (1.0, 1.2, 0.8), (0.2,))
    (first, _), (second, _) = (pooled_both_ways(bags, shared_columns(3, 1)) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
