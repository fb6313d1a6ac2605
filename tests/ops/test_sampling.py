import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.boxes import mirror
from ssd_det.ops.sampling import (
    far_from_bags,
    inside_image,
    negative_boxes,
    neighbours,
    random_proposals,
    shared_columns,
    uniform_draws,
)
from tests.strategies import IMAGE_WIDTH, boxes

RATIOS, OFFSETS = (1.0, 1.2, 1.3, 0.8, 0.7), (0.2,)


@given(boxes())
def test_the_first_neighbour_of_ratio_one_is_the_box(originals):
    bags = neighbours(originals, RATIOS, OFFSETS)
    assert bags.shape == (len(originals), 125, 4)
    assert_close(bags[:, 0], originals)


@given(boxes(2))
def test_sampling_commutes_with_mirroring_as_a_set(originals):
    width = torch.tensor(IMAGE_WIDTH, dtype=torch.float64)
    bags = mirror(neighbours(originals, RATIOS, OFFSETS), width)
    mirrored = neighbours(mirror(originals, width), RATIOS, OFFSETS)
    for bag, other in zip(bags, mirrored, strict=True):
        distance = torch.cdist(bag, other)
        assert distance.amin(1).max() < 1e-4
        assert distance.amin(0).max() < 1e-4


def test_several_offsets_add_four_boxes_each():
    assert neighbours(torch.tensor([[0.0, 0.0, 4.0, 4.0]]), (1.0, 2.0), (0.1, 0.5)).shape == (1, 4 * 9, 4)


def test_no_box_has_no_neighbours():
    assert neighbours(torch.zeros(0, 4), RATIOS, OFFSETS).shape == (0, 125, 4)


def test_a_proposal_is_valid_when_more_than_seven_tenths_are_inside():
    proposals = torch.tensor([[[-2.0, 0.0, 8.0, 10.0], [-3.0, 0.0, 7.0, 10.0], [-4.0, 0.0, 6.0, 10.0]]])
    assert inside_image(proposals, torch.tensor([[50, 50]])).tolist() == [[True, False, False]]


@given(st.integers(0, 2**31), st.integers(8, 500), st.integers(8, 500))
def test_negatives_stay_in_their_range(seed, height, width):
    draws = torch.rand(1, 4, 50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = negative_boxes(torch.tensor([[height, width]]), draws)[0]
    assert (found[:, 2:] >= found[:, :2]).all()
    assert (found[:, 0] >= -0.2 * width).all()
    assert (found[:, 0] < width).all()
    assert (found[:, 3] <= 1.2 * height).all()


def test_negatives_are_compared_with_the_bags_of_their_image_only():
    negatives = torch.tensor([[[0.0, 0.0, 10.0, 10.0]], [[0.0, 0.0, 10.0, 10.0]]])
    bag = torch.tensor([[[50.0, 50.0, 60.0, 60.0], [0.0, 0.0, 10.0, 9.0]]])
    assert far_from_bags(negatives, bag, torch.tensor([1])).tolist() == [[True], [False]]


def test_every_negative_of_an_image_without_objects_counts():
    found = far_from_bags(torch.rand(2, 3, 4), torch.zeros(0, 5, 4), torch.zeros(0, dtype=torch.long))
    assert found.all()


def test_draws_depend_only_on_the_seed_of_each_image():
    found = uniform_draws([3, 4], 5)
    assert found.shape == (2, 4, 5)
    assert found[1].equal(uniform_draws([4], 5)[0])


def test_proposals_of_a_column_are_those_with_the_same_left_and_right_edges():
    for ratios, offsets in ((RATIOS, OFFSETS), ((1.0, 1.4), (0.1, 0.3)), ((0.7,), ())):
        (bag,) = neighbours(torch.tensor([[10.0, 20, 47, 81]]), ratios, offsets)
        edges = bag[:, [0, 2]]
        columns = shared_columns(len(ratios), len(offsets))
        alike = (edges[:, None] == edges).all(dim=2)
        assert alike.equal(columns[:, None] == columns)
    assert len(shared_columns(5, 1).unique()) == 15


def test_random_proposals_differ_and_depend_only_on_the_seeds():
    found = random_proposals([3, 4], 45, 125)
    assert len(found.unique()) == 45
    assert 0 <= found.min() < found.max() < 125
    assert found.equal(random_proposals([3, 4], 45, 125))
    assert not found.equal(random_proposals([3, 5], 45, 125))
