"""A training step of the refiner against one of torchvision's Faster R-CNN, with the same backbone and images.

    python -m benchmarks.refiner_step

For each number of objects an image: seconds of processors that a step of both takes in turn, the refiner as published
and with settings that make it cheaper where there are many objects; the share of the refiner's time in matrix products
and convolutions; and the peak memory of a process that only takes the refiner's steps.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.profiler import profile
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.rpn import AnchorGenerator

from benchmarks.timing import paired, ratio_line
from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone
from ssd_det.models.detector import DetectorBackbone
from ssd_det.models.refiner import Refiner, build_head
from ssd_det.models.refiner_head import RefinerHead
from ssd_det.tasks.refine import RefineTask

HEIGHT, WIDTH, IMAGES, CLASSES, NEGATIVES = 480, 640, 2, 20, 500
WAYS: dict[str, dict[str, Any]] = {
    "as published": {},
    "16 proposals in stage II": {"stage2_proposals": 16},
    "bags of 45, 16 in stage II": {"stage2_proposals": 16, "ratios": (1.0, 1.2, 0.8)},
}
MATRIX_OPERATIONS = ("aten::mm", "aten::addmm", "aten::bmm", "convolution")


def make_objects(count: int, height: int = HEIGHT, width: int = WIDTH) -> Objects:
    """Objects at random places, this many in each image, from 1/16 to 1/4 of the width of an image."""
    sides = width / 16 * (1 + 3 * torch.rand(IMAGES * count, 2))
    corners = torch.rand(IMAGES * count, 2) * (torch.tensor([width, height]) - sides)
    return Objects(
        boxes=torch.cat([corners, corners + sides], dim=1),
        labels=torch.randint(CLASSES, (IMAGES * count,)),
        image_index=torch.arange(IMAGES).repeat_interleave(count),
        image_sizes=torch.tensor([[height, width]] * IMAGES),
    )


def make_backbone(name: str) -> Backbone:
    return Backbone(name, channels=256, frozen_stages=1)  # type: ignore[arg-type]


def published_head(**settings: Any) -> RefinerHead:
    return build_head({**RefineTask().hparams, "merging": "ranking", **settings}, CLASSES)


def refiner_step(name: str, images: Tensor, objects: Objects, **settings: Any) -> Callable[[], None]:
    refiner = Refiner(make_backbone(name), published_head(**settings)).train()
    draws = torch.rand(IMAGES, 4, NEGATIVES)

    def step() -> None:
        output = refiner(images, objects, draws)
        torch.autograd.backward(list(refiner.head.losses(output, objects).values()))
        refiner.zero_grad()

    return step


def make_faster_rcnn(backbone: Backbone, height: int, width: int, feature_width: int) -> FasterRCNN:
    """torchvision's, on the four levels that the refiner has, with fully connected layers of this width."""
    return FasterRCNN(
        DetectorBackbone(backbone),
        min_size=height,
        max_size=width,
        rpn_anchor_generator=AnchorGenerator(((32,), (64,), (128,), (256,)), ((0.5, 1.0, 2.0),) * 4),
        box_head=TwoMLPHead(backbone.channels * 7**2, feature_width),
        box_predictor=FastRCNNPredictor(feature_width, CLASSES + 1),
    ).train()


def detector_step(name: str, images: Tensor, objects: Objects) -> Callable[[], None]:
    detector = make_faster_rcnn(make_backbone(name), HEIGHT, WIDTH, RefineTask().hparams["feature_width"])
    targets = [
        {
            "boxes": objects.boxes[objects.image_index == image],
            "labels": objects.labels[objects.image_index == image] + 1,
        }
        for image in range(IMAGES)
    ]

    def step() -> None:
        torch.autograd.backward(list(detector(list(images), targets).values()))
        detector.zero_grad()

    return step


def matrix_share(step: Callable[[], None]) -> float:
    """Share of a step's operator time that goes into matrix products and convolutions."""
    with profile() as found:
        step()
    times = [(event.key, float(event.self_cpu_time_total)) for event in found.key_averages()]
    matrix = sum(time for key, time in times if any(name in key for name in MATRIX_OPERATIONS))
    return matrix / sum(time for _, time in times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 5, 10, 20, 40])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS), help="which forms of the refiner")
    parser.add_argument("--no_memory", action="store_true", help="only the seconds")
    parser.add_argument("--memory_of", type=int, help="only take steps with so many objects, and print the peak memory")
    settings = parser.parse_args()
    torch.manual_seed(0)
    images = torch.rand(IMAGES, 3, HEIGHT, WIDTH)
    if settings.memory_of is not None:
        step = refiner_step(settings.backbone, images, make_objects(settings.memory_of), **WAYS[settings.ways[0]])
        step()
        step()
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}")
        return
    print(
        f"{IMAGES} images of {WIDTH}x{HEIGHT}, {settings.backbone}, bags of 125, torch {torch.__version__}", flush=True
    )
    for count in settings.objects:
        objects = make_objects(count)
        detector = detector_step(settings.backbone, images, objects)
        refiners = {way: refiner_step(settings.backbone, images, objects, **WAYS[way]) for way in settings.ways}
        reference, *times = paired(detector, *refiners.values(), runs=settings.runs, clock=time.process_time)
        for (way, refiner), seconds in zip(refiners.items(), times, strict=True):
            line = ratio_line(f"{count} objects an image, Faster R-CNN and refiner {way}", reference, seconds)
            if not settings.no_memory:
                words = [sys.executable, "-m", "benchmarks.refiner_step", "--backbone", settings.backbone]
                words += ["--memory_of", str(count), "--ways", way]
                memory = subprocess.check_output(words, text=True).strip()
                line += f"; matrix share {matrix_share(refiner):.2f}; peak {memory} GiB"
            print(line, flush=True)


if __name__ == "__main__":
    main()
