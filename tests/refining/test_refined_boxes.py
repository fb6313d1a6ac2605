from dataclasses import replace

import pytest
import torch

from ssd_det.batches.batch import FailedBatch
from ssd_det.errors import InputError
from ssd_det.models.signals import SIGNALS
from ssd_det.ops.noise_level import no_statistics
from ssd_det.refining.refined_boxes import RefinedBoxes, Refinements, joined, share_of
from ssd_det.tasks.refine_pass import RefinedBatch

BOXES = torch.tensor([[0.0, 0, 5, 5], [1, 1, 1, 4], [2, 2, 9, 9]], dtype=torch.float64)
TABLE = RefinedBoxes(torch.tensor([2, 5, 9]), BOXES, BOXES, torch.zeros(3, 1), None)


def test_rows_follow_the_ids_that_are_asked_for():
    assert TABLE.rows_of([9, 2, 9]).tolist() == [2, 0, 2]


def test_what_was_not_refined_or_has_no_area_has_no_row():
    assert TABLE.rows_of([1, 5, 7, 100]).tolist() == [-1, -1, -1, -1]


def test_an_empty_table_has_no_rows():
    empty = RefinedBoxes(
        torch.zeros(0, dtype=torch.long), torch.zeros(0, 4), torch.zeros(0, 4), torch.zeros(0, 1), None
    )
    assert empty.rows_of([3]).tolist() == [-1]


def batch_of(*annotation_ids):
    """A batch whose values all are the ids of their annotations."""
    ids = torch.tensor(annotation_ids)
    boxes = ids[:, None].expand(-1, 4).float()
    signals = ids[:, None].expand(-1, len(SIGNALS)).float()
    return RefinedBatch(ids, boxes, -boxes, signals, no_statistics(2, 2) + len(ids))


def test_batches_and_shares_become_one_table_by_ids():
    table = joined([share_of([batch_of(7, 3), batch_of(5)]), share_of([batch_of(4)]), share_of([])])
    assert table.annotation_ids.tolist() == [3, 4, 5, 7]
    assert table.boxes[:, 0].tolist() == [3, 4, 5, 7]
    assert table.unseen_boxes[:, 3].tolist() == [-3, -4, -5, -7]
    assert table.signals[:, -1].tolist() == [3, 4, 5, 7]
    assert {table.boxes.dtype, table.unseen_boxes.dtype} == {torch.float64}


def test_sums_of_batches_are_added():
    share = share_of([batch_of(1, 2), batch_of(3)])
    assert torch.equal(share.statistics, no_statistics(2, 2) + 3)


def test_shares_without_batches_are_a_table_without_rows():
    table = joined([share_of([]), share_of([])])
    assert len(table.annotation_ids) == 0
    assert table.noise_level is None


def test_the_same_annotation_in_two_shares_is_an_error():
    share = share_of([batch_of(1, 2)])
    with pytest.raises(RuntimeError, match="refined the same annotation"):
        joined([share, replace(share)])


def test_a_batch_that_could_not_be_read_is_bad_input():
    with pytest.raises(InputError, match=r"a\.png"):
        share_of([batch_of(1), FailedBatch("a.png: does not decode.")])


def test_refinements_are_found_by_id():
    refinements = Refinements(torch.tensor([2, 5, 9]), BOXES, torch.tensor([0.25, 0.5, 0.75]))
    assert list(refinements) == [2, 5, 9]
    assert refinements[9] == ((2, 2, 9, 9), 0.75)
    assert 2 in refinements
    assert not {1, 3, 10} & refinements.keys()


def test_unseen_boxes_that_are_the_same_are_held_once():
    batch = batch_of(1, 2)
    same = joined([share_of([replace(batch, unseen_boxes=batch.boxes)])])
    assert same.unseen_boxes is same.boxes
    moved = same.changed(lambda boxes: boxes + 1)
    assert moved.unseen_boxes is moved.boxes
    other = joined([share_of([batch])]).changed(lambda boxes: boxes + 1)
    assert torch.equal(other.boxes - 1, 1 - other.unseen_boxes)
