"""A refiner's training step beside a Faster R-CNN's, from images with one object to crowded ones: time and memory.

    OMP_NUM_THREADS=1 python -m benchmarks.crowded --figure crowded.png
    OMP_NUM_THREADS=1 python -m benchmarks.crowded --published --counts 40 --runs 1 --backbone resnet50

Both have the same backbone and images, and fully connected layers of the same width. Times are seconds of processors,
of steps in turn; peak memory is that of a process that only takes steps of one kind, with more and more objects. The
detector of a joint model is a Faster R-CNN as well, and its refiner learns from 16 objects an image, and moves all.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from benchmarks.joint_step import make_detector
from benchmarks.refiner_step import CLASSES, HEIGHT, IMAGES, WIDTH, make_faster_rcnn, make_objects
from benchmarks.timing import paired
from ssd_det.batches.batch import Objects
from ssd_det.models.backbone import Backbone
from ssd_det.models.detector import levels_above
from ssd_det.models.joint_model import JointModel, detection_targets
from ssd_det.models.refiner import Refiner, build_head
from ssd_det.ops.sampling import random_proposals
from ssd_det.tasks.refine import RefineTask

LEARNT = 16
FASTER_RCNN, JOINT = "Faster R-CNN", f"joint, {LEARNT} learnt from"
COUNTS = (1, 2, 5, 10, 20, 40, 100, 200)


@dataclass(frozen=True)
class Sizes:
    """Of images and networks.

    Attributes:
        height: of an image in pixels.
        width: of an image in pixels.
        settings: of the refiner.
        some: proposals of a bag that take part in a step where not all do.
    """

    height: int
    width: int
    settings: dict[str, Any]
    some: int


SMALL = Sizes(
    240,
    320,
    {
        "fpn_channels": 64,
        "feature_width": 256,
        "roi_size": 5,
        "ratios": (1.0, 1.4, 0.7),
        "offsets": (0.3,),
        "num_negatives": 100,
    },
    some=16,
)  # of refine_robust.yaml
PUBLISHED = Sizes(HEIGHT, WIDTH, {}, some=45)
WAYS: dict[str, Callable[[Sizes], dict[str, int]]] = {
    "all proposals": lambda _: {},
    "16 in stage II": lambda _: {"stage2_proposals": 16},
    "a third in a step, 16 in stage II": lambda sizes: {"stage2_proposals": 16, "training_proposals": sizes.some},
}
KINDS = (FASTER_RCNN, *WAYS, JOINT)


def some_of(objects: Objects) -> Objects:
    """The first 16 objects of each image."""
    count = len(objects.boxes) // IMAGES
    learnt = torch.arange(len(objects.boxes)) % count < LEARNT
    return Objects(objects.boxes[learnt], objects.labels[learnt], objects.image_index[learnt], objects.image_sizes)


def make_step(way: str, backbone: str, sizes: Sizes) -> Callable[[Tensor, Objects], None]:
    """A training step, forwards and backwards, of a detector, a refiner or both."""
    settings = {**RefineTask().hparams, **sizes.settings}
    channels, width = settings["fpn_channels"], settings["feature_width"]
    above = levels_above("convolution") if way == JOINT else None
    shared = Backbone(backbone, channels=channels, frozen_stages=1, extra_levels=above)  # type: ignore[arg-type]
    if way == FASTER_RCNN:
        detector = make_faster_rcnn(shared, sizes.height, sizes.width, width)

        def learn_to_detect(images: Tensor, objects: Objects) -> None:
            losses = detector(list(images), detection_targets(objects, objects.boxes))
            torch.autograd.backward(list(losses.values()))
            detector.zero_grad()

        return learn_to_detect
    fewer = WAYS[way](sizes) if way in WAYS else {}
    refiner = Refiner(shared, build_head({**settings, **fewer}, CLASSES)).train()
    if way == JOINT:
        joint = JointModel(refiner, make_detector(shared, sizes.height, sizes.width, width)).train()

        def learn_jointly(images: Tensor, objects: Objects) -> None:
            draws, learnt = torch.rand(IMAGES, 4, settings["num_negatives"]), some_of(objects)
            output, detection = joint(images, learnt, draws, objects)
            torch.autograd.backward([*refiner.head.losses(output, learnt).values(), *detection.values()])
            joint.zero_grad()

        return learn_jointly

    def learn_to_refine(images: Tensor, objects: Objects) -> None:
        draws = torch.rand(IMAGES, 4, settings["num_negatives"])
        some = fewer.get("training_proposals")
        proposals = None if some is None else random_proposals([0], some, refiner.head.bag_size)
        losses = refiner.head.losses(refiner(images, objects, draws, proposals), objects)
        torch.autograd.backward(list(losses.values()))
        refiner.zero_grad()

    return learn_to_refine


def peaks(way: str, backbone: str, sizes: Sizes, images: Tensor, counts: list[int]) -> None:
    """Print the peak memory in GiB of this process after steps with each count of objects."""
    step = make_step(way, backbone, sizes)
    for count in sorted(counts):
        step(images, make_objects(count, sizes.height, sizes.width))
        print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="resnet18")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS, help="objects an image")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--published", action="store_true", help="640x480, bags of 125, 256 channels, layers of 1024")
    parser.add_argument("--without", nargs="+", choices=KINDS[1:], default=[], help="kinds of steps to leave out")
    parser.add_argument("--no_memory", action="store_true", help="only the seconds")
    parser.add_argument("--figure", help="a picture to draw")
    parser.add_argument("--peaks", choices=KINDS, help="only print the peak memory of this kind of step")
    settings = parser.parse_args()
    torch.manual_seed(0)
    sizes = PUBLISHED if settings.published else SMALL
    images = torch.rand(IMAGES, 3, sizes.height, sizes.width)
    if settings.peaks:
        peaks(settings.peaks, settings.backbone, sizes, images, settings.counts)
        return
    ways = [way for way in KINDS if way not in settings.without]
    # Before any step here: the peak of a process that this one starts is at least its own.
    memory = {} if settings.no_memory else {way: measured_peaks(way, settings) for way in ways}
    print(f"{IMAGES} images of {sizes.width}x{sizes.height}, {settings.backbone}, torch {torch.__version__}")
    seconds = measured_seconds(ways, images, sizes, settings)
    if settings.no_memory:
        return
    for position, count in enumerate(settings.counts):
        print(f"| {count} | " + " | ".join(f"{memory[way][position]:.2f} GiB" for way in ways) + " |")
    if len(settings.counts) > 1:
        for name, values in (("s", seconds), ("GiB", memory)):
            print("an object an image more: " + ", ".join(growth(settings.counts, values[way], name) for way in ways))
    if settings.figure:
        draw(settings.figure, settings.counts, seconds, memory)


def measured_seconds(
    ways: list[str], images: Tensor, sizes: Sizes, settings: argparse.Namespace
) -> dict[str, list[float]]:
    """Seconds of processors of each kind of step for each count of objects, which are printed as well."""
    steps = {way: make_step(way, settings.backbone, sizes) for way in ways}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for step in steps.values():
        step(images, make_objects(1, sizes.height, sizes.width))
    print("| objects an image | " + " | ".join(ways) + " |", flush=True)
    for count in settings.counts:
        objects = make_objects(count, sizes.height, sizes.width)
        calls = [partial(step, images, objects) for step in steps.values()]
        reference, *others = paired(*calls, runs=settings.runs, clock=time.process_time, warm_up=False)
        cells = [f"{statistics.median(reference):.2f} s"]
        seconds[FASTER_RCNN].append(statistics.median(reference))
        for way, found in zip(ways[1:], others, strict=True):
            seconds[way].append(statistics.median(found))
            ratio = statistics.median(b / a for a, b in zip(reference, found, strict=True))
            cells.append(f"{statistics.median(found):.2f} s ({ratio:.2f}x)")
        print(f"| {count} | " + " | ".join(cells) + " |", flush=True)
    return seconds


def measured_peaks(way: str, settings: argparse.Namespace) -> list[float]:
    """Peak memory in GiB of a process of its own, for each count of objects."""
    words = [sys.executable, "-m", "benchmarks.crowded", "--backbone", settings.backbone, "--peaks", way]
    words += ["--counts", *map(str, settings.counts)] + ["--published"] * settings.published
    return [float(line) for line in subprocess.check_output(words, text=True).split()]


def growth(counts: list[int], values: list[float], unit: str) -> str:
    """The slope of a line through the values, and how far the values are from it at most."""
    slope, start = np.polyfit(counts, values, 1)
    furthest = max(abs(slope * count + start - value) for count, value in zip(counts, values, strict=True))
    return f"{slope:.4f} {unit} (at most {furthest:.2f} off the line)"


def draw(path: str, counts: list[int], seconds: dict[str, list[float]], memory: dict[str, list[float]]) -> None:
    figure = Figure(figsize=(8.0, 3.5), layout="constrained")
    both = figure.subplots(1, 2)
    for axes, values, unit in zip(both, (seconds, memory), ("seconds a step", "peak memory in GiB"), strict=True):
        for way, found in values.items():
            axes.plot(counts, found, marker="o", label=way)
        axes.set(xlabel="objects an image", ylabel=unit, ylim=(0, None))
    both[1].legend(loc="lower right")  # where no line is
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
