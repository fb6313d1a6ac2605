"""torchvision's detectors over the refiner's backbones."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Literal, get_args

from torch import Tensor, nn
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

from ssd_det.errors import InputError
from ssd_det.models.backbone import Backbone, BackboneName

DetectorName = Literal["faster_rcnn", "retinanet", "fcos"]

DETECTORS = get_args(DetectorName)
LEVELS = 5
ROI_SIZE = 7
ROI_LEVELS = ("0", "1", "2", "3")
ASPECT_RATIOS = (0.5, 1.0, 2.0)
DEFAULT_ANCHORS: dict[str, tuple[float, ...]] = {
    "faster_rcnn": (32, 64, 128, 256, 512),
    "retinanet": (32, 64, 128, 256, 512),
    "fcos": (8, 16, 32, 64, 128),
}
OCTAVE = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))


class DetectorBackbone(nn.Module):
    """A backbone in the form that torchvision's detectors take.

    Args:
        backbone: makes the feature pyramid.
    """

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone
        self.out_channels = backbone.channels

    def forward(self, images: Tensor) -> "OrderedDict[str, Tensor]":
        """Compute the pyramid of normalised images ``Tensor[B, 3, H, W]``, the levels named "0", "1" and so on."""
        return OrderedDict((str(level), features) for level, features in enumerate(self.backbone(images)))


def build_detector(
    name: str,
    num_classes: int,
    *,
    backbone: BackboneName,
    weights: str | None,
    frozen_stages: int,
    freeze_batch_norm: bool,
    fpn_channels: int,
    feature_width: int,
    anchor_sizes: Sequence[float] | None,
    proposals: int,
    rois_per_image: int,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
    shortest_side: int,
    longest_side: int,
    image_mean: Sequence[float],
    image_std: Sequence[float],
) -> nn.Module:
    """Build a torchvision detector, which resizes and normalises the images itself.

    Faster R-CNN works on P2 to P6, RetinaNet and FCOS on P3 to P7.

    Args:
        name: ``faster_rcnn``, ``retinanet`` or ``fcos``.
        num_classes: K; the detector numbers them from 1, 0 is the background.
        backbone: see :class:`ssd_det.models.backbone.Backbone`, as are the next four.
        weights: of the backbone.
        frozen_stages: of the backbone.
        freeze_batch_norm: of the backbone.
        fpn_channels: of the feature pyramid.
        feature_width: of the two fully connected layers of Faster R-CNN's head.
        anchor_sizes: one a pyramid level, in pixels of the resized image; torchvision's where ``None``.
        proposals: of Faster R-CNN's first stage, before and after suppression.
        rois_per_image: proposals that Faster R-CNN's second stage learns from.
        score_threshold: detections below it are dropped.
        nms_threshold: IoU above which the lower of two detections of a class is dropped.
        detections_per_image: at most.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.

    Returns:
        A module from a list of images in [0, 1], ``Tensor[3, H, W]``, (and targets) to detections (or losses).

    Raises:
        InputError: if the name is unknown, the anchors do not fit or the backbone cannot be built.
    """
    if name not in DETECTORS:
        raise InputError(f"model.detector is {name}: give one of {', '.join(DETECTORS)}.")
    sizes = DEFAULT_ANCHORS[name] if anchor_sizes is None else tuple(anchor_sizes)
    if len(sizes) != LEVELS or min(sizes) <= 0:
        raise InputError(f"model.anchor_sizes is {list(sizes)}: give {LEVELS} numbers above 0, one a pyramid level.")
    two_stages = name == "faster_rcnn"
    pyramid = DetectorBackbone(
        Backbone(
            backbone,
            weights,
            fpn_channels,
            frozen_stages,
            freeze_batch_norm,
            lowest_level=2 if two_stages else 3,
            extra_levels=LastLevelMaxPool() if two_stages else LastLevelP6P7(fpn_channels, fpn_channels),
        )
    )
    images = {
        "min_size": shortest_side,
        "max_size": longest_side,
        "image_mean": list(image_mean),
        "image_std": list(image_std),
    }
    if two_stages:
        return FasterRCNN(  # type: ignore[no-any-return]
            pyramid,
            **images,
            rpn_anchor_generator=AnchorGenerator(tuple((size,) for size in sizes), (ASPECT_RATIOS,) * LEVELS),
            rpn_pre_nms_top_n_train=proposals,
            rpn_pre_nms_top_n_test=proposals,
            rpn_post_nms_top_n_train=proposals,
            rpn_post_nms_top_n_test=proposals,
            box_roi_pool=MultiScaleRoIAlign(list(ROI_LEVELS), ROI_SIZE, sampling_ratio=2),
            box_head=TwoMLPHead(fpn_channels * ROI_SIZE**2, feature_width),
            box_predictor=FastRCNNPredictor(feature_width, num_classes + 1),
            box_batch_size_per_image=rois_per_image,
            box_score_thresh=score_threshold,
            box_nms_thresh=nms_threshold,
            box_detections_per_img=detections_per_image,
        )
    shared = {
        **images,
        "score_thresh": score_threshold,
        "nms_thresh": nms_threshold,
        "detections_per_img": detections_per_image,
    }
    if name == "retinanet":
        octaves = tuple(tuple(size * step for step in OCTAVE) for size in sizes)
        anchors = AnchorGenerator(octaves, (ASPECT_RATIOS,) * LEVELS)
        return RetinaNet(pyramid, num_classes + 1, anchor_generator=anchors, **shared)  # type: ignore[no-any-return]
    anchors = AnchorGenerator(tuple((size,) for size in sizes), ((1.0,),) * LEVELS)
    return FCOS(pyramid, num_classes + 1, anchor_generator=anchors, **shared)  # type: ignore[no-any-return]
