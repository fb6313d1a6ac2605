import torch
from torch.testing import assert_close

from ssd_det.callbacks.box_quality import measure
from ssd_det.ops.boxes import iou
from tests.models.test_refiner_head import draws, make_features, make_head, make_objects


def test_quality_is_measured_on_objects_whose_true_box_is_known():
    head, objects = make_head(), make_objects()
    output = head(make_features(), objects, draws())
    true = objects.boxes + 4
    true[1] = float("nan")
    found = measure(output, objects.boxes, true, ~true.isnan().any(dim=1))
    known = [0, 2]
    assert_close(found["noisy_iou"], iou(objects.boxes[known], true[known]).mean())
    assert_close(found["r2_iou"], iou(output.refined[known], true[known]).mean())
    overlaps = iou(output.stage_two.proposals[known], true[known][:, None])
    assert_close(found["bag_c_mean"], overlaps.mean())
    assert_close(found["bag_c_best"], overlaps.amax(1).mean())
    assert found["bag_c_mean"] <= found["bag_c_top10"] <= found["bag_c_best"]
    assert all(torch.isfinite(value) for value in found.values())
