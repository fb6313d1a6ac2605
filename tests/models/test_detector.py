import pytest
import torch
from torchvision.ops import roi_align

from ssd_det.errors import InputError
from ssd_det.models.detector import DETECTORS, build_detector

SETTINGS = {
    "backbone": "resnet18",
    "weights": None,
    "frozen_stages": 0,
    "freeze_batch_norm": False,
    "fpn_channels": 32,
    "feature_width": 16,
    "anchor_sizes": None,
    "candidates": None,
    "proposals": 20,
    "rois_per_image": 8,
    "sampling_ratio": 2,
    "aligned_pooling": False,
    "p6": "max_pool",
    "score_threshold": 0.0,
    "nms_threshold": 0.5,
    "detections_per_image": 7,
    "shortest_side": 64,
    "longest_side": 96,
    "image_mean": (0.1, 0.2, 0.3),
    "image_std": (0.4, 0.5, 0.6),
}


@pytest.mark.parametrize("name", DETECTORS)
def test_every_detector_learns_and_detects(name):
    torch.manual_seed(0)
    detector = build_detector(name, 3, **SETTINGS)
    images = [torch.rand(3, 60, 80), torch.rand(3, 80, 60)]
    targets = [
        {"boxes": torch.tensor([[5.0, 5.0, 40.0, 50.0]]), "labels": torch.tensor([3])},
        {"boxes": torch.tensor([[5.0, 5.0, 40.0, 50.0], [1.0, 2.0, 30.0, 30.0]]), "labels": torch.tensor([1, 2])},
    ]
    losses = detector.train()(images, targets)
    sum(losses.values()).backward()
    assert len(losses) >= 2
    assert all(p.grad is not None and p.grad.isfinite().all() for p in detector.backbone.parameters())
    found = detector.eval()(images)
    for image, detections in zip(images, found, strict=True):
        assert 0 < len(detections["boxes"]) <= 7
        assert detections["boxes"].max() <= max(image.shape)
        assert set(detections["labels"].tolist()) <= {0, 1, 2, 3}


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("size", [(2000, 3), (3, 2000)])
def test_images_are_taken_that_are_too_thin_to_be_resized(name, size):
    detector = build_detector(name, 3, **{**SETTINGS, "longest_side": 192})
    height, width = size
    target = {"boxes": torch.tensor([[0.0, 0.0, width / 2, height / 2]]), "labels": torch.tensor([1])}
    losses = detector.train()([torch.rand(3, height, width)], [target])
    assert all(loss.isfinite() for loss in losses.values())
    (found,) = detector.eval()([torch.rand(3, height, width)])
    assert (found["boxes"][:, 2:] <= torch.tensor([width, height])).all()


def test_boxes_are_resized_with_a_thin_image():
    transform = build_detector("faster_rcnn", 1, **SETTINGS).transform
    image, target = transform.resize(torch.rand(3, 960, 3), {"boxes": torch.tensor([[0.0, 480, 3, 960]])})
    assert image.shape == (3, 96, 1)
    torch.testing.assert_close(target["boxes"], torch.tensor([[0.0, 48, 1, 96]]))


@pytest.mark.parametrize(("name", "sizes"), [("faster_rcnn", [16, 8, 4, 2, 1]), ("fcos", [8, 4, 2, 1, 1])])
def test_the_pyramid_has_the_levels_that_torchvision_uses(name, sizes):
    detector = build_detector(name, 1, **SETTINGS)
    levels = detector.backbone(torch.zeros(1, 3, 64, 64)).values()
    assert [level.shape[-1] for level in levels] == sizes


def test_p6_is_a_convolution_of_the_highest_map_where_so_set():
    detector = build_detector("faster_rcnn", 1, **{**SETTINGS, "p6": "convolution"})
    levels = detector.backbone(torch.zeros(1, 3, 128, 128)).values()
    assert [level.shape[-1] for level in levels] == [32, 16, 8, 4, 2]
    assert detector.backbone.backbone.fpn.extra_blocks.p6[0].weight.shape == (32, 512, 3, 3)


def test_aligned_pooling_is_torchvisions_on_the_level_of_each_box():
    pooling = build_detector("faster_rcnn", 1, **{**SETTINGS, "aligned_pooling": True}).roi_heads.box_roi_pool
    pyramid = {str(level): torch.rand(2, 3, 64 >> level, 64 >> level) for level in range(5)}
    boxes = [torch.tensor([[4.0, 6, 60, 90], [0, 0, 250, 250]]), torch.tensor([[10.5, 20, 140, 160]])]
    found = pooling(pyramid, boxes, [(256, 256)] * 2)
    rois = [(0, boxes[0][0], 0), (0, boxes[0][1], 2), (1, boxes[1][0], 1)]
    for pooled, (image, box, level) in zip(found, rois, strict=True):
        roi = torch.cat([torch.tensor([image]), box])[None]
        expected = roi_align(pyramid[str(level)], roi, 7, 1 / (4 << level), 2, aligned=True)
        torch.testing.assert_close(pooled, expected[0], rtol=1e-4, atol=1e-5)


def test_candidates_are_for_training_alone():
    rpn = build_detector("faster_rcnn", 1, **{**SETTINGS, "candidates": 50}).rpn
    assert (rpn._pre_nms_top_n, rpn._post_nms_top_n) == (
        {"training": 50, "testing": 20},
        {"training": 20, "testing": 20},
    )


def test_images_are_normalised_once_and_resized_by_the_detector():
    detector = build_detector("faster_rcnn", 1, **SETTINGS)
    image = torch.tensor([0.1, 0.2, 0.3]).view(3, 1, 1).expand(3, 128, 160)
    batch, _ = detector.transform([image])
    assert batch.image_sizes == [(64, 80)]
    assert batch.tensors[0, :, :64, :80].abs().max() < 1e-6


def test_anchors_can_be_chosen():
    detector = build_detector("retinanet", 1, **{**SETTINGS, "anchor_sizes": [8, 16, 24, 32, 40]})
    assert [sizes[0] for sizes in detector.anchor_generator.sizes] == [8, 16, 24, 32, 40]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("yolo", {}, "model.detector is yolo: give one of faster_rcnn, retinanet, fcos"),
        ("fcos", {"anchor_sizes": [8, 16]}, r"model.anchor_sizes is \[8, 16\]: give 5 numbers"),
        ("fcos", {"anchor_sizes": [0, 1, 2, 3, 4]}, "give 5 numbers above 0"),
        ("fcos", {"fpn_channels": 20}, "fpn_channels is 20"),
    ],
)
def test_what_cannot_be_built_is_named(name, settings, message):
    with pytest.raises(InputError, match=message):
        build_detector(name, 1, **{**SETTINGS, **settings})
