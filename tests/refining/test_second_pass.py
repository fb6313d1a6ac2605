import torch
from torch.testing import assert_close

from ssd_det.models.signals import SIGNALS
from ssd_det.refining.refined_boxes import RefinedBoxes
from ssd_det.refining.second_pass import means_of_two_passes

BOXES = torch.tensor([[10.0, 10, 30, 40], [50, 20, 90, 60], [5, 5, 25, 25]], dtype=torch.float64)
IDS = [7, 3, 5]


def moved(annotation_ids, boxes):
    """Moves boxes to the right, those of unseen images by more, but finds none for annotation 3."""
    found = [row for row, key in enumerate(annotation_ids) if key != 3]
    ids, order = torch.tensor([annotation_ids[row] for row in found]).sort()
    kept = boxes[found][order]
    return RefinedBoxes(ids, kept + 1, kept + 2, torch.zeros(len(ids), len(SIGNALS)), None)


def test_boxes_are_refined_once_more_in_their_order():
    means = means_of_two_passes(IDS, BOXES, BOXES + 4, moved)
    assert_close(means.boxes[[0, 2]], BOXES[[0, 2]] + 0.5)
    assert_close(means.unseen[[0, 2]], BOXES[[0, 2]] + 3)


def test_where_a_pass_finds_no_box_that_of_the_first_stays():
    means = means_of_two_passes(IDS, BOXES, BOXES + 4, moved)
    assert_close(means.boxes[1], BOXES[1])
    assert_close(means.unseen[1], BOXES[1] + 4)


def test_where_no_refiner_is_left_out_there_is_one_box():
    means = means_of_two_passes(IDS, BOXES, BOXES, moved)
    assert means.unseen is means.boxes
