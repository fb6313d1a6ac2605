"""The joint step is the refiner's and the detector's, on the same features."""

import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone
from ssd_det.models.detector import build_faster_rcnn, levels_above
from ssd_det.models.joint_model import JointModel, detection_targets
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD, Refiner
from tests.models.heads import published_head

HEIGHT, WIDTH, CHANNELS, CLASSES = 96, 128, 32, 3
REFINER_TERMS = {"spsd", "stage1_mil", "stage1_regression", "stage2_mil", "negatives", "sisd"}
DETECTOR_TERMS = {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}


def make_objects():
    return Objects(
        boxes=torch.tensor([[20.0, 16, 70, 60], [50, 30, 120, 90], [10, 10, 60, 80]]),
        labels=torch.tensor([2, 0, 1]),
        image_index=torch.tensor([0, 0, 1]),
        image_sizes=torch.tensor([[HEIGHT, WIDTH]] * 2, dtype=torch.float32),
    )


def make_model(p6="convolution", aligned_pooling=True):
    torch.manual_seed(0)
    backbone = Backbone("resnet18", None, CHANNELS, 0, False, extra_levels=levels_above(p6))
    head = published_head(CLASSES, CHANNELS, feature_width=16, roi_size=3, ratios=(1.0, 1.3))
    detector = build_faster_rcnn(
        backbone,
        CLASSES,
        feature_width=16,
        anchor_sizes=(16, 32, 64, 96, 128),
        candidates=None,
        proposals=30,
        rois_per_image=16,
        sampling_ratio=2,
        aligned_pooling=aligned_pooling,
        score_threshold=0.0,
        nms_threshold=0.5,
        detections_per_image=20,
        shortest_side=HEIGHT,
        longest_side=WIDTH,
        image_mean=IMAGENET_MEAN,
        image_std=IMAGENET_STD,
    )
    return JointModel(Refiner(backbone, head), detector)


def make_images():
    return torch.rand(2, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(1))


def make_draws():
    return torch.rand(2, 4, 20, generator=torch.Generator().manual_seed(2))


def step(model, seed=7):
    """A joint step, and its losses by name."""
    torch.manual_seed(seed)  # torchvision draws what it samples
    output, detection = model(make_images(), make_objects(), make_draws())
    return output, {**model.refiner.head.losses(output, make_objects()), **detection}


@pytest.mark.parametrize(("p6", "aligned"), [("convolution", True), ("max_pool", False)])
def test_refiner_losses_are_those_of_the_refiner_alone(p6, aligned):
    model = make_model(p6, aligned).eval()  # batch norms of the second pass see the same statistics
    model.detector.train()
    model.refiner.backbone.eval()
    _, terms = step(model)
    alone = model.refiner(make_images(), make_objects(), make_draws())
    for name, value in model.refiner.head.losses(alone, make_objects()).items():
        assert_close(terms[name], value, rtol=0, atol=0, msg=name)
    assert set(terms) == REFINER_TERMS | DETECTOR_TERMS


@pytest.mark.parametrize(("p6", "aligned"), [("convolution", True), ("max_pool", False)])
def test_detector_losses_are_those_of_torchvision_on_the_refined_boxes(p6, aligned):
    model = make_model(p6, aligned).train()
    model.refiner.backbone.eval()
    output, terms = step(model)
    objects = make_objects()
    targets = [
        {
            "boxes": output.refined[objects.image_index == image],
            "labels": objects.labels[objects.image_index == image] + 1,
        }
        for image in range(2)
    ]

    def seed_again(*_):
        torch.manual_seed(7)  # torchvision draws a size for each image before anything else

    model.detector.transform.register_forward_hook(seed_again)
    expected = model.detector(list(make_images()), targets)
    for name in DETECTOR_TERMS:
        assert_close(terms[name], expected[name], rtol=1e-5, atol=1e-6, msg=name)


@pytest.mark.parametrize("name", sorted(REFINER_TERMS | DETECTOR_TERMS))
def test_the_gradient_of_each_loss_reaches_the_backbone(name):
    model = make_model().train()
    _, terms = step(model)
    terms[name].backward()
    gradients = [parameter.grad for parameter in model.refiner.backbone.body.parameters()]
    assert any(gradient is not None and gradient.abs().max() > 0 for gradient in gradients)


def test_all_losses_together_reach_every_parameter():
    model = make_model().train()
    _, terms = step(model)
    torch.stack(list(terms.values())).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


def test_backbone_and_pyramid_are_there_once():
    model = make_model()
    assert model.detector.backbone.backbone is model.refiner.backbone
    parts = [model.refiner.backbone, model.refiner.head, model.detector.rpn, model.detector.roi_heads]
    assert sum(p.numel() for p in model.parameters()) == sum(p.numel() for part in parts for p in part.parameters())


def test_targets_are_the_refined_boxes_and_where_they_have_no_area_the_noisy_ones_inside_the_image():
    objects = make_objects()._replace(boxes=torch.tensor([[-10.0, 5, 30, 40], [0, 0, 9, 9], [1, 2, 3, 4]]))
    refined = torch.tensor([[30.0, 10, 30, 50], [5, 5, 20, 20], [7, 7, 60, 70]])
    first, second = detection_targets(objects, refined)
    assert first["boxes"].tolist() == [[0, 5, 30, 40], [5, 5, 20, 20]]
    assert first["labels"].tolist() == [3, 1]
    assert second["boxes"].tolist() == [[7, 7, 60, 70]]
    assert second["labels"].tolist() == [2]


def test_an_object_without_any_area_is_left_out_and_an_image_without_objects_stays():
    objects = make_objects()._replace(boxes=torch.tensor([[5.0, 5, 5, 40], [9, 9, 9, 9], [200, 10, 300, 20]]))
    targets = detection_targets(objects, torch.zeros(3, 4))
    assert [target["boxes"].shape for target in targets] == [(0, 4), (0, 4)]
    assert [target["labels"].shape for target in targets] == [(0,), (0,)]


def some(objects, rows):
    return Objects(objects.boxes[rows], objects.labels[rows], objects.image_index[rows], objects.image_sizes)


def test_the_detector_learns_all_objects_where_the_refiner_learns_from_some():
    model, objects = make_model().train(), make_objects()
    torch.manual_seed(7)
    _, expected = model(make_images(), objects, make_draws())
    torch.manual_seed(7)
    output, losses = model(make_images(), some(objects, [1, 2]), make_draws(), objects)
    assert len(output.refined) == 2
    assert losses.keys() == expected.keys()
    for name, loss in losses.items():
        assert_close(loss, expected[name])


def kept_for_gradients(model, objects, every=None):
    """Bytes that a forward pass keeps."""
    kept = {}

    def pack(tensor):
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = model(make_images(), objects, make_draws(), every)
    assert result
    return sum(kept.values())


def test_objects_that_are_not_learnt_from_take_no_memory_of_a_step():
    model, objects = make_model().train(), make_objects()
    crowd = some(objects, [0, 1, 2] * 40)
    few, bounded, unbounded = (kept_for_gradients(model, *given) for given in ((objects,), (objects, crowd), (crowd,)))
    assert bounded - few < 0.2 * (unbounded - few)


def test_the_refiner_learns_from_some_proposals_and_the_detector_from_boxes_of_all():
    model, objects = make_model(), make_objects()
    some = torch.tensor([0, 3, 11])
    output, _ = model(make_images(), objects, make_draws(), proposals=some)
    assert output.bag_a.shape[1] == 3
    output, _ = model(make_images(), objects, make_draws(), objects, some)
    assert output.bag_a.shape[1] == 3
