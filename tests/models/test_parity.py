"""One whole refiner pass, its losses and every gradient, against recorded figures."""

import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.losses.mil import instance_scores, of_label
from ssd_det.losses.sisd import predicted_iou
from ssd_det.ops.merging import scale_in_bag
from tests.models.heads import published_head

LINEAR = {
    "shared_fcs.0": "shared_fcs.0",
    "shared_fcs.2": "shared_fcs.1",
    "sisd_fcs.0": "objness_2fcs.0",
    "sisd_fcs.2": "objness_2fcs.1",
    "spsd.0": "fc_distill_reg_ori",
    "stage1_classes": "fc_cls.0",
    "stage1_instances": "fc_ins.0",
    "stage1_regressor": "fc_reg.0",
    "stage2_classes": "fc_cls.1",
    "stage2_instances": "fc_ins.1",
    "sisd_iou": "fc_iou",
}
TERMS = {
    "spsd": "ori_loss_bbox",
    "stage1_mil": "stage0_loss_instance_mil",
    "stage1_regression": "stage0_loss_bbox",
    "stage2_mil": "stage1_loss_instance_mil",
    "negatives": "stage1_neg_loss",
    "sisd": "stage1_loss_iou",
}
ROI_SIZE = 7


def channels_last(weight, channels):
    """The recorded first layers read (channel, y, x); ours read (y, x, channel)."""
    grid = weight.reshape(len(weight), channels, ROI_SIZE, ROI_SIZE)
    return grid.permute(0, 2, 3, 1).flatten(1)


def recorded(parity, prefix, name, channels):
    layer, kind = name.rsplit(".", 1)
    value = parity[f"{prefix}{LINEAR[layer]}.{kind}"]
    if kind == "weight" and layer in ("shared_fcs.0", "sisd_fcs.0"):
        value = channels_last(value, channels)
    return value


@pytest.mark.parametrize("case", ["sisd", "nosisd"])
@pytest.mark.parity_file("roi_step")
def test_parity_of_a_whole_step(parity, parity_folder, case):
    features = [parity[f"feat_p{level}"].clone().requires_grad_() for level in range(2, 6)]
    channels = features[0].shape[1]
    head = published_head(
        len(parity["w.fc_cls.1.bias"]),
        channels,
        feature_width=len(parity["w.shared_fcs.0.bias"]),
        roi_size=ROI_SIZE,
        sampling_ratio=0,
        use_sisd=case == "sisd",
    ).double()
    head.load_state_dict({name: recorded(parity, "w.", name, channels) for name in head.state_dict()})
    objects = Objects(parity["noisy_boxes"], parity["labels"], parity["obj_image"], parity["img_hw"])
    output = head(features, objects, parity["neg_u"])
    losses = head.losses(output, objects)
    sum(losses.values()).backward()

    two = output.stage_two
    found = {
        "nbr_boxes": output.bag_a,
        "spsd_reg": output.moves[0].deltas,
        "s1_boxes": output.bag_b,
        "s1_cls": output.classes,
        "s1_ins": output.instances,
        "s1_reg": output.regression.deltas,
        "s1_pseudo_boxes": output.r1,
        "s1_bag_weight": output.omega,
        "s2_boxes": two.proposals,
        "s2_cls": two.classes,
        "s2_ins": two.instances,
        "neg_boxes": two.negatives.boxes,
        "neg_cls": two.negatives.classes,
        "s2_pseudo_boxes": output.r2,
    }
    if case == "sisd":
        found["s2_iou"] = two.iou_scores
        quality = scale_in_bag(predicted_iou(two.iou_scores))
    else:
        found["s2_bag_weight"] = output.score
        quality = torch.ones_like(two.valid, dtype=torch.float64)
    labels = objects.labels
    weight = of_label(two.classes.sigmoid(), labels) * of_label(instance_scores(two.instances, two.valid), labels)
    assert_close((weight * quality).sum(1).detach(), parity[f"{case}_s2_bag_weight"], rtol=1e-9, atol=1e-9)
    for name, value in found.items():
        expected = parity[f"{case}_{name}"].reshape(value.shape)
        assert_close(value.detach(), expected, rtol=1e-9, atol=1e-9, msg=lambda text, n=name: f"{n}: {text}")
    assert torch.equal(output.valid, parity[f"{case}_nbr_valid"])
    assert torch.equal(two.negatives.valid, parity[f"{case}_neg_valid"])

    for name, value in losses.items():
        assert_close(value.detach(), parity[f"{case}_L.{TERMS[name]}"], rtol=1e-9, atol=1e-12)
    assert_close(sum(losses.values()).detach(), parity[f"{case}_L.total"], rtol=1e-9, atol=1e-12)
    for name, parameter in head.named_parameters():
        expected = recorded(parity, f"{case}_grad.", name, channels)
        assert_close(parameter.grad, expected, rtol=1e-9, atol=1e-12, msg=lambda text, n=name: f"{n}: {text}")
    for level, feature in enumerate(features, start=2):
        assert_close(feature.grad, parity[f"{case}_grad.feat_p{level}"], rtol=1e-9, atol=1e-12)
    ours = {f"{LINEAR[name.rsplit('.', 1)[0]]}.{name.rsplit('.', 1)[1]}" for name, _ in head.named_parameters()}
    theirs = {
        key.removeprefix(f"{case}_has_grad.") for key in parity if key.startswith(f"{case}_has_grad.") and parity[key]
    }
    assert ours == theirs
