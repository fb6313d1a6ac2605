"""A training step of the refiner from 1 to 200 objects an image, beside one of torchvision's Faster R-CNN.

    python -m benchmarks.crowded_step --figure docs/images/crowded.svg

In the sizes of ``refine_small.yaml`` with bags of 45, on the same backbone and images. Seconds are those of processors.
Memory is the peak of a process that takes the refiner's steps alone, with more and more objects.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from torch import Tensor
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.rpn import AnchorGenerator

from benchmarks.timing import paired
from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone
from ssd_det.models.detector import DetectorBackbone
from ssd_det.models.joint_model import detection_targets
from ssd_det.models.refiner import Refiner, build_head
from ssd_det.tasks.refine import RefineTask

HEIGHT, WIDTH, IMAGES, CLASSES, NEGATIVES, CHANNELS = 224, 320, 2, 3, 100, 64
SMALL: dict[str, Any] = {
    "fpn_channels": CHANNELS,
    "feature_width": 256,
    "roi_size": 5,
    "ratios": (1.0, 1.4, 0.7),
    "offsets": (0.3,),
}


def make_objects(count: int) -> Objects:
    """So many objects in each of the images, from 20 to 80 pixels wide."""
    sides = 20 + 60 * torch.rand(IMAGES * count, 2)
    corners = torch.rand(IMAGES * count, 2) * (torch.tensor([WIDTH, HEIGHT]) - sides)
    return Objects(
        boxes=torch.cat([corners, corners + sides], dim=1),
        labels=torch.randint(CLASSES, (IMAGES * count,)),
        image_index=torch.arange(IMAGES).repeat_interleave(count),
        image_sizes=torch.tensor([[HEIGHT, WIDTH]] * IMAGES),
    )


def make_backbone() -> Backbone:
    return Backbone("mobilenet_v2", channels=CHANNELS)


def make_refiner() -> Refiner:
    return Refiner(make_backbone(), build_head({**RefineTask().hparams, **SMALL}, CLASSES)).train()


def make_detector() -> FasterRCNN:
    anchors = AnchorGenerator(((32,), (64,), (128,), (256,)), ((0.5, 1.0, 2.0),) * 4)
    backbone = DetectorBackbone(make_backbone())
    return FasterRCNN(backbone, CLASSES + 1, min_size=HEIGHT, max_size=WIDTH, rpn_anchor_generator=anchors).train()


def refiner_step(refiner: Refiner, images: Tensor, objects: Objects) -> Callable[[], None]:
    draws = torch.rand(IMAGES, 4, NEGATIVES)

    def step() -> None:
        output = refiner(images, objects, draws)
        torch.autograd.backward(list(refiner.head.losses(output, objects).values()))
        refiner.zero_grad()

    return step


def detector_step(detector: FasterRCNN, images: Tensor, objects: Objects) -> Callable[[], None]:
    targets = detection_targets(objects, objects.boxes)

    def step() -> None:
        torch.autograd.backward(list(detector(list(images), targets).values()))
        detector.zero_grad()

    return step


def print_peaks(images: Tensor, counts: Sequence[int]) -> None:
    """The peak memory of this process in GiB, once it has taken a step with each number of objects, rising."""
    refiner = make_refiner()
    for count in counts:
        refiner_step(refiner, images, make_objects(count))()
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}", flush=True)


def draw(path: Path, counts: Sequence[int], seconds: Sequence[Sequence[float]], peaks: Sequence[float]) -> None:
    figure = Figure(figsize=(8, 3), layout="constrained")
    time_axes, memory_axes = figure.subplots(1, 2)
    for name, values in zip(("refiner", "Faster R-CNN"), seconds, strict=True):
        time_axes.plot(counts, values, "o-", label=name)
    time_axes.set(xlabel="objects an image", ylabel="seconds of processors a step", ylim=0)
    time_axes.legend()
    memory_axes.plot(counts, peaks, "o-")
    memory_axes.set(xlabel="objects an image", ylabel="peak memory of the refiner, GiB", ylim=0)
    figure.savefig(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, nargs="+", default=[1, 5, 10, 20, 40, 100, 200], help="rising")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--figure", type=Path, help="an svg or png file to draw")
    parser.add_argument("--peaks", action="store_true", help="only take the refiner's steps, and print peak memory")
    settings = parser.parse_args()
    torch.manual_seed(0)
    images = torch.rand(IMAGES, 3, HEIGHT, WIDTH)
    if settings.peaks:
        print_peaks(images, settings.objects)
        return
    words = [sys.executable, "-m", "benchmarks.crowded_step", "--peaks", "--objects", *map(str, settings.objects)]
    peaks = [float(line) for line in subprocess.check_output(words, text=True).split()]
    print("| objects an image | Faster R-CNN | refiner | ratio | peak memory of the refiner |\n|---|---|---|---|---|")
    refiner, detector = make_refiner(), make_detector()
    medians = []
    for count, peak in zip(settings.objects, peaks, strict=True):
        objects = make_objects(count)
        steps = detector_step(detector, images, objects), refiner_step(refiner, images, objects)
        times = paired(*steps, runs=settings.runs, clock=time.process_time)
        ratio = statistics.median(ours / its for its, ours in zip(*times, strict=True))
        medians.append([statistics.median(found) for found in times])
        its, ours = medians[-1]
        print(f"| {count} | {its:.2f} s | {ours:.2f} s | {ratio:.2f} | {peak} GiB |", flush=True)
    if settings.figure is not None:
        its_seconds, our_seconds = zip(*medians, strict=True)
        draw(settings.figure, settings.objects, (our_seconds, its_seconds), peaks)


if __name__ == "__main__":
    main()
