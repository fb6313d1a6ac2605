"""A joint training step against a refiner's and a Faster R-CNN's, and what is left of it at inference.

    python -m benchmarks.joint_step

The joint step shares one pass of the backbone: it is measured against a refiner's step and a detector's step, each on
a backbone of its own, less one backbone pass (forward and backward). All four are taken in turn. Then the detector of
the joint model is timed against one that was built alone.
"""

import argparse
import statistics

import torch
from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN

from benchmarks.refiner_step import CLASSES, HEIGHT, IMAGES, NEGATIVES, WIDTH, make_objects, published_head
from benchmarks.timing import paired, ratio_line
from ssd_det.models.backbone import Backbone
from ssd_det.models.detector import build_faster_rcnn, levels_above
from ssd_det.models.joint_model import JointModel, detection_targets
from ssd_det.models.refiner import IMAGENET_MEAN, IMAGENET_STD, Refiner


def make_backbone(name: str) -> Backbone:
    return Backbone(name, extra_levels=levels_above("convolution"))  # type: ignore[arg-type]


def make_detector(
    backbone: Backbone,
    height: int = HEIGHT,
    width: int = WIDTH,
    feature_width: int = 1024,
    aligned_pooling: bool = True,
) -> FasterRCNN:
    """torchvision's, in the sizes that it is published with, for images of a height and width in pixels."""
    return build_faster_rcnn(
        backbone,
        CLASSES,
        feature_width=feature_width,
        anchor_sizes=None,
        candidates=2000,
        proposals=1000,
        rois_per_image=512,
        sampling_ratio=2,
        aligned_pooling=aligned_pooling,
        score_threshold=0.05,
        nms_threshold=0.5,
        detections_per_image=100,
        shortest_side=height,
        longest_side=width,
        image_mean=IMAGENET_MEAN,
        image_std=IMAGENET_STD,
    )


def learn(module: nn.Module, losses: list[Tensor]) -> None:
    torch.autograd.backward(losses)
    module.zero_grad()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--objects", type=int, nargs="+", default=[5, 15], help="an image")
    parser.add_argument("--runs", type=int, default=5)
    settings = parser.parse_args()
    torch.manual_seed(0)
    images = torch.rand(IMAGES, 3, HEIGHT, WIDTH)
    draws = torch.rand(IMAGES, 4, NEGATIVES)
    print(
        f"{IMAGES} images of {WIDTH}x{HEIGHT}, {settings.backbone}, bags of 125, torch {torch.__version__}", flush=True
    )

    shared = make_backbone(settings.backbone)
    joint = JointModel(Refiner(shared, published_head()), make_detector(shared)).train()
    refiner = Refiner(make_backbone(settings.backbone), published_head()).train()
    detector = make_detector(make_backbone(settings.backbone)).train()
    alone = make_backbone(settings.backbone).train()

    for count in settings.objects:
        objects = make_objects(count)
        targets = detection_targets(objects, objects.boxes)

        def joint_step() -> None:
            output, detection = joint(images, objects, draws)  # noqa: B023 (called within this turn)
            learn(joint, [*joint.refiner.head.losses(output, objects).values(), *detection.values()])  # noqa: B023

        def refiner_step() -> None:
            output = refiner(images, objects, draws)  # noqa: B023
            learn(refiner, list(refiner.head.losses(output, objects).values()))  # noqa: B023

        def detector_step() -> None:
            learn(detector, list(detector(list(images), targets).values()))  # noqa: B023

        def backbone_pass() -> None:
            learn(alone, [level.mean() for level in alone(images)])

        times = paired(joint_step, refiner_step, detector_step, backbone_pass, runs=settings.runs)
        ratios = [j / (r + d - b) for j, r, d, b in zip(*times, strict=True)]
        medians = [statistics.median(found) for found in times]
        print(
            f"{count} objects an image: joint {medians[0]:.2f} s, refiner {medians[1]:.2f} s, Faster R-CNN "
            f"{medians[2]:.2f} s, backbone {medians[3]:.2f} s; joint / (refiner + Faster R-CNN - backbone) "
            f"{statistics.median(ratios):.2f}",
            flush=True,
        )
    joint.eval()
    detector.load_state_dict(joint.detector.state_dict())
    detector.eval()
    with torch.inference_mode():
        times = paired(lambda: detector(list(images)), lambda: joint.detector(list(images)), runs=settings.runs)
    print(ratio_line("inference, Faster R-CNN alone and of the joint model", *times))


if __name__ == "__main__":
    main()
