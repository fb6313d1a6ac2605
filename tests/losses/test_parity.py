"""Loss terms and their gradients against recorded figures."""

import pytest
import torch
from torch.testing import assert_close

from ssd_det.losses.mil import bag_scores, count_bags, negative_loss, stage_one_loss, stage_two_loss
from ssd_det.losses.sisd import sisd_loss
from ssd_det.losses.spsd import spsd_loss
from ssd_det.ops.boxes import decode, encode, iou

EXACT = {"rtol": 1e-9, "atol": 1e-12}
MIL_WEIGHT, NEGATIVE_WEIGHT, SPSD_WEIGHT, SISD_WEIGHT = 0.25, 0.75, 0.25, 5.0


def leaf(tensor):
    return tensor.clone().requires_grad_()


@pytest.mark.parametrize("stage", ["s1", "s2"])
@pytest.mark.parametrize("case", ["noweight", "weight", "allinvalid", "allvalid"])
@pytest.mark.parity_file("mil_loss")
def test_parity_of_the_bag_loss(parity, stage, case):
    classes, instances = leaf(parity[f"{stage}_cls_logits"]), leaf(parity[f"{stage}_ins_logits"])
    labels, weight = parity[f"{stage}_labels"], parity[f"{stage}_weight"]
    valid = parity[f"{stage}_valid_allinvalid" if case == "allinvalid" else f"{stage}_valid"]
    if case == "allvalid":
        valid = torch.ones_like(valid)
    if case in ("noweight", "allinvalid"):
        weight = torch.ones_like(weight)
    loss_of = stage_one_loss if stage == "s1" else stage_two_loss
    loss = MIL_WEIGHT * loss_of(classes, instances, labels, valid, weight)
    loss.backward()
    expected = {key: parity[f"{stage}_{case}_{key}"] for key in ("loss", "grad_cls", "grad_ins", "num_sample")}
    assert_close(loss.detach(), expected["loss"], **EXACT)
    assert_close(classes.grad, expected["grad_cls"], **EXACT)
    assert_close(instances.grad, expected["grad_ins"], **EXACT)
    assert count_bags(valid) == expected["num_sample"]
    probabilities = classes.softmax(2) if stage == "s1" else classes.sigmoid()
    right = bag_scores(probabilities, instances, valid).argmax(1) == labels
    assert_close(100 * right.double().mean(), parity[f"{stage}_{case}_bag_acc"].squeeze(), rtol=1e-6, atol=0)


@pytest.mark.parity_file("stage_losses")
def test_parity_of_stage_two_with_negatives(parity):
    classes, instances = leaf(parity["s2_cls_logits"]), leaf(parity["s2_ins_logits"])
    negatives, weight = leaf(parity["s2_neg_logits"]), parity["s2_weight"]
    valid = torch.ones(classes.shape[:2], dtype=torch.bool)
    mil = MIL_WEIGHT * stage_two_loss(classes, instances, parity["labels"], valid, weight)
    background = NEGATIVE_WEIGHT * negative_loss(negatives, parity["s2_neg_valid"], weight)
    (mil + background).backward()
    assert_close(mil.detach(), parity["s2_loss_mil"], **EXACT)
    assert_close(background.detach(), parity["s2_neg_loss"], **EXACT)
    assert_close(classes.grad, parity["s2_grad_cls"], **EXACT)
    assert_close(instances.grad, parity["s2_grad_ins"], **EXACT)
    assert_close(negatives.grad, parity["s2_grad_neg"], **EXACT)


@pytest.mark.parity_file("stage_losses")
def test_parity_of_stage_one_with_its_regressor(parity):
    classes, instances = leaf(parity["s1_cls_logits"]), leaf(parity["s1_ins_logits"])
    deltas = leaf(parity["s1_reg_pred"])
    proposals, targets = parity["s1_proposals"], parity["s1_pseudo_boxes"]
    mil = MIL_WEIGHT * stage_one_loss(classes, instances, parity["labels"], parity["s1_valid"])
    regression = SPSD_WEIGHT * spsd_loss(deltas, proposals, targets, parity["s1_bag_weight"])
    (mil + regression).backward()
    assert_close(mil.detach(), parity["s1_loss_mil"], **EXACT)
    assert_close(regression.detach(), parity["s1_loss_bbox"], **EXACT)
    assert_close(encode(proposals, targets[:, None]), parity["s1_reg_target"], rtol=1e-9, atol=1e-9)
    assert_close(classes.grad, parity["s1_grad_cls"], **EXACT)
    assert_close(instances.grad, parity["s1_grad_ins"], **EXACT)
    assert_close(deltas.grad, parity["s1_grad_reg"], **EXACT)


@pytest.mark.parametrize("suffix", ["", "_weighted"])
@pytest.mark.parity_file("spsd")
def test_parity_of_spatial_position_self_distillation(parity, suffix):
    deltas = leaf(parity["reg_pred"])
    weight = parity["label_weight"] if suffix else None
    loss = SPSD_WEIGHT * spsd_loss(deltas, parity["proposals"], parity["noisy_boxes"], weight)
    loss.backward()
    assert_close(loss.detach(), parity[f"loss{suffix}"], **EXACT)
    assert_close(deltas.grad, parity[f"grad_reg{suffix}"], **EXACT)
    target = encode(parity["proposals"], parity["noisy_boxes"][:, None])
    assert_close(target, parity["reg_target"], rtol=1e-9, atol=1e-9)
    moved = decode(parity["proposals"], parity["reg_pred"])
    assert_close(moved, parity["refined_boxes"], rtol=1e-9, atol=1e-9)


@pytest.mark.parity_file("sisd")
def test_parity_of_spatial_identity_self_distillation(parity):
    features = leaf(parity["fc_feat"])
    weight, bias = leaf(parity["fc_iou_weight"]), leaf(parity["fc_iou_bias"])
    enhanced = features + features.mean(dim=1, keepdim=True)
    scores = torch.nn.functional.linear(enhanced, weight, bias)
    loss = SISD_WEIGHT * sisd_loss(scores.squeeze(2), parity["proposals"], parity["base_boxes"])
    loss.backward()
    assert_close(enhanced.detach(), parity["iou_feat"], **EXACT)
    assert_close(scores.detach(), parity["iou_score"], **EXACT)
    assert_close(iou(parity["proposals"], parity["base_boxes"][:, None]), parity["iou_target"], **EXACT)
    assert_close(loss.detach(), parity["loss_iou"], **EXACT)
    assert_close(features.grad, parity["grad_fc_feat"], **EXACT)
    assert_close(weight.grad, parity["grad_fc_iou_weight"], **EXACT)
    assert_close(bias.grad, parity["grad_fc_iou_bias"], **EXACT)
