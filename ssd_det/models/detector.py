"""torchvision's detectors over the refiner's backbones."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast, get_args

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate
from torchvision.models.detection import FCOS, FasterRCNN, RetinaNet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform, resize_boxes
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool, LastLevelP6P7

from ssd_det.errors import InputError
from ssd_det.models.backbone import STRIDES, Backbone, BackboneName, ConvolutionalP6, ExtraLevels
from ssd_det.models.settings import taken_by
from ssd_det.ops.bag_pooling import Pyramid, pool_boxes

DetectorName = Literal["faster_rcnn", "retinanet", "fcos"]
P6Name = Literal["max_pool", "convolution"]

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


class ThinImageTransform(GeneralizedRCNNTransform):  # type: ignore[misc]
    """torchvision's resizing, by which no side becomes less than a pixel, as none does for the refiner."""

    def resize(self, image: Tensor, target: dict[str, Tensor] | None = None) -> tuple[Tensor, dict[str, Tensor] | None]:
        """Resize an image ``Tensor[3, H, W]``, and the boxes of its target."""
        size = image.shape[-2:]
        scale = min(self.min_size[-1] / min(size), self.max_size / max(size))
        if min(size) * scale >= 1:
            return super().resize(image, target)  # type: ignore[no-any-return]
        resized = [max(int(side * scale), 1) for side in size]
        if target is not None:
            target = {**target, "boxes": resize_boxes(target["boxes"], size, resized)}
        return interpolate(image[None], resized, mode="bilinear")[0], target


class AlignedRoIAlign(MultiScaleRoIAlign):  # type: ignore[misc]
    """torchvision's pooling with half-pixel alignment, by which the refiner pools as well."""

    def forward(self, x: Mapping[str, Tensor], boxes: list[Tensor], image_shapes: list[tuple[int, int]]) -> Tensor:
        """Pool boxes ``Tensor[N, 4]`` of each image from the pyramid into ``Tensor[N, C, size, size]``."""
        numbers = [torch.full_like(some[:, 0], image, dtype=torch.long) for image, some in enumerate(boxes)]
        pooled = pool_boxes(
            Pyramid([x[name] for name in self.featmap_names], STRIDES),
            torch.cat(boxes),
            torch.cat(numbers),
            self.output_size[0],
            self.sampling_ratio,
        )
        return pooled.permute(0, 3, 1, 2)


def build_detector(
    name: str,
    num_classes: int,
    *,
    backbone: BackboneName,
    weights: str | None,
    frozen_stages: int,
    freeze_batch_norm: bool,
    fpn_channels: int,
    anchor_sizes: Sequence[float] | None,
    p6: P6Name,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
    **settings: Any,
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
        anchor_sizes: one a pyramid level, in pixels of the resized image; torchvision's where ``None``.
        p6: what makes Faster R-CNN's P6.
        score_threshold: detections below it are dropped.
        nms_threshold: IoU above which the lower of two detections of a class is dropped.
        detections_per_image: at most.
        settings: the others of :func:`build_faster_rcnn`, of which the one-stage detectors take the images'.

    Returns:
        A module from a list of images in [0, 1], ``Tensor[3, H, W]``, (and targets) to detections (or losses).

    Raises:
        InputError: if the name is unknown, the anchors do not fit or the backbone cannot be built.
    """
    if name not in DETECTORS:
        raise InputError(f"model.detector is {name}: give one of {', '.join(DETECTORS)}.")
    sizes = _anchor_sizes(name, anchor_sizes)
    two_stages = name == "faster_rcnn"
    network = Backbone(
        backbone,
        weights,
        fpn_channels,
        frozen_stages,
        freeze_batch_norm,
        lowest_level=2 if two_stages else 3,
        extra_levels=levels_above(p6) if two_stages else lambda _, channels: LastLevelP6P7(channels, channels),
    )
    if two_stages:
        return build_faster_rcnn(  # type: ignore[no-any-return]
            network,
            num_classes,
            anchor_sizes=sizes,
            score_threshold=score_threshold,
            nms_threshold=nms_threshold,
            detections_per_image=detections_per_image,
            **settings,
        )
    shared = {
        **_image_arguments(**taken_by(_image_arguments, settings)),
        "score_thresh": score_threshold,
        "nms_thresh": nms_threshold,
        "detections_per_img": detections_per_image,
    }
    pyramid = DetectorBackbone(network)
    if name == "retinanet":
        octaves = tuple(tuple(size * step for step in OCTAVE) for size in sizes)
        anchors = AnchorGenerator(octaves, (ASPECT_RATIOS,) * LEVELS)
        return _taking_thin_images(RetinaNet(pyramid, num_classes + 1, anchor_generator=anchors, **shared))
    anchors = AnchorGenerator(tuple((size,) for size in sizes), ((1.0,),) * LEVELS)
    return _taking_thin_images(FCOS(pyramid, num_classes + 1, anchor_generator=anchors, **shared))


def backbone_of(detector: nn.Module) -> Backbone:
    """The backbone of a detector that :func:`build_detector` built."""
    return cast(DetectorBackbone, detector.backbone).backbone


def build_faster_rcnn(
    backbone: Backbone,
    num_classes: int,
    *,
    feature_width: int,
    anchor_sizes: Sequence[float] | None,
    candidates: int | None,
    proposals: int,
    rois_per_image: int,
    sampling_ratio: int,
    aligned_pooling: bool,
    score_threshold: float,
    nms_threshold: float,
    detections_per_image: int,
    shortest_side: int,
    longest_side: int,
    image_mean: Sequence[float],
    image_std: Sequence[float],
) -> FasterRCNN:
    """Build torchvision's Faster R-CNN on a backbone that makes P2 to P6.

    Args:
        backbone: see :func:`levels_above` for P6.
        num_classes: K; the detector numbers them from 1, 0 is the background.
        feature_width: of the two fully connected layers of the head.
        anchor_sizes: one a pyramid level, in pixels of the resized image; torchvision's where ``None``.
        candidates: of the first stage on each pyramid level in training, before suppression; ``proposals`` where
            ``None``.
        proposals: of the first stage: after suppression, and in testing before it on each level as well.
        rois_per_image: proposals that the second stage learns from.
        sampling_ratio: RoIAlign samples along each side of a cell; 0 for adaptive.
        aligned_pooling: pool with half-pixel alignment.
        score_threshold: detections below it are dropped.
        nms_threshold: IoU above which the lower of two detections of a class is dropped.
        detections_per_image: at most.
        shortest_side: pixels that the shorter side of an image is resized to, unless
        longest_side: the longer side would then exceed this.
        image_mean: mean of each colour channel, for images in [0, 1].
        image_std: standard deviation of each colour channel.

    Raises:
        InputError: if the anchors do not fit.
    """
    sizes = _anchor_sizes("faster_rcnn", anchor_sizes)
    pooling = AlignedRoIAlign if aligned_pooling else MultiScaleRoIAlign
    detector = FasterRCNN(
        DetectorBackbone(backbone),
        **_image_arguments(shortest_side, longest_side, image_mean, image_std),
        rpn_anchor_generator=AnchorGenerator(tuple((size,) for size in sizes), (ASPECT_RATIOS,) * LEVELS),
        rpn_pre_nms_top_n_train=candidates or proposals,
        rpn_pre_nms_top_n_test=proposals,
        rpn_post_nms_top_n_train=proposals,
        rpn_post_nms_top_n_test=proposals,
        box_roi_pool=pooling(list(ROI_LEVELS), ROI_SIZE, sampling_ratio),
        box_head=TwoMLPHead(backbone.channels * ROI_SIZE**2, feature_width),
        box_predictor=FastRCNNPredictor(feature_width, num_classes + 1),
        box_batch_size_per_image=rois_per_image,
        box_score_thresh=score_threshold,
        box_nms_thresh=nms_threshold,
        box_detections_per_img=detections_per_image,
    )
    return _taking_thin_images(detector)


def levels_above(p6: P6Name) -> ExtraLevels:
    """What makes Faster R-CNN's P6: pooling of P5, or a convolution of the network's highest map."""
    return ConvolutionalP6 if p6 == "convolution" else lambda *_: LastLevelMaxPool()


def _taking_thin_images(detector: nn.Module) -> nn.Module:
    given: Any = detector.transform
    detector.transform = ThinImageTransform(given.min_size, given.max_size, given.image_mean, given.image_std)
    return detector


def _anchor_sizes(name: str, sizes: Sequence[float] | None) -> tuple[float, ...]:
    sizes = DEFAULT_ANCHORS[name] if sizes is None else tuple(sizes)
    if len(sizes) != LEVELS or min(sizes) <= 0:
        raise InputError(f"model.anchor_sizes is {list(sizes)}: give {LEVELS} numbers above 0, one a pyramid level.")
    return sizes


def _image_arguments(
    shortest_side: int, longest_side: int, image_mean: Sequence[float], image_std: Sequence[float]
) -> dict[str, Any]:
    """The arguments on images that every detector of torchvision takes."""
    return {
        "min_size": shortest_side,
        "max_size": longest_side,
        "image_mean": list(image_mean),
        "image_std": list(image_std),
    }
