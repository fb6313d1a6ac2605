"""Sampling, box deltas and merging against recorded figures."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from ssd_det.losses.mil import instance_scores, of_label
from ssd_det.losses.sisd import predicted_iou
from ssd_det.ops.boxes import DELTA_STD, MAX_LOG_RATIO, clip, decode, encode, iof, iou
from ssd_det.ops.merging import merge_top, scale_in_bag
from ssd_det.ops.sampling import far_from_bags, inside_image, negative_boxes, neighbours

EXACT = {"rtol": 1e-9, "atol": 1e-9}


def check_sampler(arrays):
    sizes = arrays["img_hw"][arrays["box_image"]]
    proposals = neighbours(arrays["boxes"], arrays["base_ratios"].tolist(), arrays["shake_ratio"].tolist())
    frame = torch.cat([torch.zeros_like(sizes), sizes.flip(1)], dim=1).double()
    assert_close(proposals, arrays["proposals"], **EXACT)
    assert_close(iof(proposals, frame[:, None]), arrays["iof"], **EXACT)
    assert torch.equal(inside_image(proposals, sizes), arrays["valid"])


@pytest.mark.parity_file("sampler_voc04")
def test_parity_of_the_wide_sampler(parity):
    check_sampler(parity)


@pytest.mark.parity_file("sampler_voc01")
def test_parity_of_the_narrow_sampler(parity):
    check_sampler(parity)


@pytest.mark.parity_file("negatives")
def test_parity_of_negatives(parity):
    images = range(len(parity["img_hw"]))
    for image in images:
        boxes = negative_boxes(parity["img_hw"][image : image + 1], parity[f"u_img{image}"][None])
        bag = parity[f"bag_img{image}"][None]
        assert_close(boxes[0], parity[f"neg_boxes_img{image}"], **EXACT)
        assert_close(iou(boxes[0][:, None], bag).amax(1), parity[f"max_iou_img{image}"], **EXACT)
        valid = far_from_bags(boxes, bag, torch.tensor([0]))
        assert torch.equal(valid[0], parity[f"neg_valid_img{image}"])


@pytest.mark.parity_file("box_coder")
def test_parity_of_box_deltas(parity):
    std = torch.tensor(DELTA_STD, dtype=torch.float64)
    rois, size = parity["rois"], parity["img_hw"]
    assert pytest.approx(parity["max_log_ratio"].item(), rel=1e-12) == MAX_LOG_RATIO
    assert_close(encode(rois, parity["gt"]), parity["encoded_roi"], **EXACT)
    assert_close(encode(rois, parity["gt"]) * std, parity["encoded_rpn"], **EXACT)
    for kind, deltas in (("roi", parity["deltas_roi"]), ("rpn", parity["deltas_rpn"] / std)):
        boxes = decode(rois, deltas)
        assert_close(boxes, parity[f"decoded_{kind}_noclip"], **EXACT)
        assert_close(clip(boxes, size), parity[f"decoded_{kind}_clip"], **EXACT)


@pytest.mark.parametrize("case", ["s1", "s1few", "s2_noiou", "s2_iou", "s2_iou_partial"])
@pytest.mark.parity_file("merge_box")
def test_parity_of_merging(parity, case):
    stage = case[:2]
    labels, proposals = parity["labels"], parity["proposals"]
    sizes = parity["img_hw"][parity["obj_image"]]
    valid = {"s1": parity["valid"], "s1few": parity["valid_few"], "s2_iou_partial": parity["valid"]}.get(
        case, torch.ones_like(parity["valid"])
    )
    logits = parity[f"{stage}_cls_logits"]
    classes = of_label(logits.softmax(2) if stage == "s1" else logits.sigmoid(), labels) * valid
    weight = classes * of_label(instance_scores(parity[f"{stage}_ins_logits"], valid), labels)
    ranking = weight
    if "_iou" in case:
        quality = scale_in_bag(predicted_iou(parity["iou_pred"].squeeze(2)))
        weight, ranking = weight * quality, classes * quality
    boxes = merge_top(proposals, ranking, proposals[:, 0], int(parity["top_k"])).boxes
    if "_iou" not in case:
        boxes = clip(boxes, sizes)
    few = torch.from_numpy(np.asarray((ranking > 0).sum(1) < parity["top_k"]))
    assert_close(weight, parity[f"{case}_dynamic_weight"], **EXACT)
    assert_close(weight.sum(1), parity[f"{case}_bag_weight"], **EXACT)
    expected = parity[f"{case}_pseudo_boxes"]
    assert_close(boxes[~few], expected[~few], rtol=1e-9, atol=1e-6)
    assert_close(boxes[few], expected[few], rtol=0, atol=1e-4)
    assert_close(iou(boxes, parity["true_boxes"]).mean(), parity[f"{case}_mean_iou"], rtol=1e-6, atol=0)
