import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from ssd_det.ops.boxes import mirror
from ssd_det.ops.merging import agreement, exclusion, merge_top, scale_in_bag


def random_bags(seed, bags=3, members=12):
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(bags, members, 2, generator=generator, dtype=torch.float64) * 50
    size = torch.rand(bags, members, 2, generator=generator, dtype=torch.float64) * 40 + 2
    ranking = torch.rand(bags, members, generator=generator, dtype=torch.float64)
    return torch.cat([corner, corner + size], dim=2), ranking


@given(st.integers(0, 10**6))
def test_a_merged_box_lies_within_its_members(seed):
    proposals, ranking = random_bags(seed)
    merged = merge_top(proposals, ranking, proposals[:, 0])
    assert (merged.boxes >= proposals.amin(1) - 1e-4).all()
    assert (merged.boxes <= proposals.amax(1) + 1e-4).all()
    assert_close(merged.weights.sum(1), torch.ones(3, dtype=torch.float64))


@given(st.integers(0, 10**6))
def test_merging_commutes_with_mirroring_and_order(seed):
    proposals, ranking = random_bags(seed)
    width = torch.tensor(100.0, dtype=torch.float64)
    expected = mirror(merge_top(proposals, ranking, proposals[:, 0]).boxes, width)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    flipped = mirror(proposals, width)[:, order]
    found = merge_top(flipped, ranking[:, order], flipped[:, 0]).boxes
    assert_close(found, expected, rtol=0, atol=1e-4)


def test_only_the_highest_ranking_members_count():
    proposals, _ = random_bags(0, bags=1)
    ranking = torch.zeros(1, 12, dtype=torch.float64)
    ranking[0, 4] = 1
    assert_close(merge_top(proposals, ranking, proposals[:, 0], top_k=1).boxes, proposals[:, 4], rtol=0, atol=1e-5)


def test_a_bag_smaller_than_k_is_merged_whole():
    proposals, ranking = random_bags(1, members=3)
    assert merge_top(proposals, ranking, proposals[:, 0]).members.shape == (3, 3)


def test_rankings_that_are_zero_or_not_finite_keep_the_fallback():
    proposals, ranking = random_bags(2)
    ranking[0], ranking[1] = 0, float("nan")
    fallback = torch.arange(12, dtype=torch.float64).reshape(3, 4)
    merged = merge_top(proposals, ranking, fallback)
    assert torch.equal(merged.boxes[:2], fallback[:2])
    assert not torch.equal(merged.boxes[2], fallback[2])


def test_merging_passes_no_gradient():
    proposals, ranking = random_bags(3)
    assert not merge_top(proposals.requires_grad_(), ranking.requires_grad_(), proposals[:, 0]).boxes.requires_grad


def test_scaling_reaches_from_zero_to_one():
    found = scale_in_bag(torch.tensor([[1.0, 3.0, 2.0], [5.0, 5.0, 5.0]]))
    assert found.tolist() == [[0, 1, 0.5], [0, 0, 0]]


def test_proposals_agree_with_where_most_of_the_ranking_lies():
    near, far = torch.tensor([0.0, 0, 10, 10]), torch.tensor([50.0, 50, 60, 60])
    bag = torch.stack([near, near + 1, near - 1, far])[None]
    found = agreement(bag, torch.ones(1, 4))
    assert found[0, 0] > found[0, 1] > found[0, 3] == 0.25
    assert_close(agreement(bag, torch.tensor([[0.0, 0, 0, 1]])), torch.tensor([[0.0, 0, 0, 1]]))
    assert not agreement(bag, torch.zeros(1, 4)).any()


def test_a_proposal_on_a_rival_does_not_count():
    boxes = torch.tensor([[0.0, 0, 10, 10], [20, 0, 30, 10], [20, 0, 30, 10]])
    bag = torch.stack([boxes[0], boxes[1], torch.tensor([25.0, 0, 35, 10])])[None].expand(3, -1, -1)
    rivals = torch.tensor([[False, True, False], [True, False, False], [False, False, False]])
    found = exclusion(bag, boxes, rivals)
    assert_close(found[0], torch.tensor([1.0, 0.0, (2 / 3) ** 4]))
    assert_close(found[1], torch.tensor([0.0, 1.0, 1.0]))
    assert_close(found[2], torch.ones(3))
    assert exclusion(bag[:0], boxes[:0], rivals[:0, :0]).shape == (0, 3)


def test_exclusion_is_the_same_for_many_objects_at_once():
    bags, _ = random_bags(0, bags=300, members=3)
    boxes = bags[:, 0]
    rivals = ~torch.eye(300, dtype=torch.bool)
    found = exclusion(bags, boxes, rivals)
    assert_close(found[290:], exclusion(bags[290:], boxes, rivals[290:]))
