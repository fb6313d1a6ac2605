import torch

from ssd_det.refining.refined_boxes import RefinedBoxes

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
