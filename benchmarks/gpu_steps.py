"""Training steps and refining on one device, for :mod:`benchmarks.gpu`: seconds, memory, and when the device is busy.

Run by it as ``python -m benchmarks.gpu_steps PART [--small]``; the last line that is printed is json.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.profiler import ProfilerActivity, profile
from torchvision.models.detection import FasterRCNN

from benchmarks.joint_step import make_detector as published_detector
from benchmarks.refiner_step import CLASSES
from ssd_det.batches.batch import Objects, RefineBatch, padded_size
from ssd_det.models.backbone import Backbone, BackboneName
from ssd_det.models.detector import levels_above
from ssd_det.models.joint_model import JointModel, detection_targets
from ssd_det.models.refiner import Refiner, build_head
from ssd_det.models.refiner_head import RefinerHead
from ssd_det.models.views import make_views
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import RefinePass, TrainedRefiner

Step = Callable[[], object]


@dataclass(frozen=True)
class Scale:
    """How large the steps are.

    Attributes:
        backbone: under all networks.
        height: of the images, in pixels.
        width: of the images.
        images: a step.
        objects: an image, of which each number is measured.
        negatives: of the refiner, an image.
        channels: of the feature pyramid.
        feature_width: of the fully connected layers.
        ratios: of the refiner's sampler.
        warm_up: steps that are not timed.
        runs: of which the median is taken.
    """

    backbone: BackboneName = "resnet50"
    height: int = 600
    width: int = 1000
    images: int = 2
    objects: tuple[float, ...] = (2.4, 13)
    negatives: int = 500
    channels: int = 256
    feature_width: int = 1024
    ratios: tuple[float, ...] = (1.0, 1.2, 1.3, 0.8, 0.7)
    warm_up: int = 3
    runs: int = 10


SMALL = Scale(
    "resnet18",
    height=64,
    width=96,
    objects=(2.4,),
    negatives=10,
    channels=32,
    feature_width=16,
    ratios=(1.0, 1.3),
    warm_up=0,
    runs=1,
)


def used_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def make_batch(scale: Scale, objects: float, device: torch.device) -> RefineBatch:
    """Images with a number of objects each that is right on average."""
    torch.manual_seed(0)
    count = round(objects * scale.images)
    extent = torch.tensor([scale.width, scale.height])
    sides = extent * (0.1 + 0.25 * torch.rand(count, 2))
    low = torch.rand(count, 2) * (extent - sides)
    boxes = torch.cat([low, low + sides], dim=1).to(device)
    return RefineBatch(
        images=torch.rand(scale.images, 3, *padded_size(scale.height, scale.width)).to(device),
        objects=Objects(
            boxes=boxes,
            labels=torch.randint(CLASSES, (count,)).to(device),
            image_index=(torch.arange(count) % scale.images).sort().values.to(device),
            image_sizes=torch.tensor([[scale.height, scale.width]] * scale.images, dtype=torch.float32).to(device),
        ),
        true_boxes=boxes,
        annotation_ids=torch.arange(count).to(device),
        image_ids=torch.arange(scale.images).to(device),
        scales=torch.ones(scale.images, 2).to(device),
        seeds=(0,) * scale.images,
    )


def make_detector(backbone: Backbone, scale: Scale) -> FasterRCNN:
    """torchvision's, with its own pooling."""
    return published_detector(backbone, scale.height, scale.width, scale.feature_width, aligned_pooling=False)


def make_head(scale: Scale) -> RefinerHead:
    """The refiner's, as published."""
    own = {"fpn_channels": scale.channels, "feature_width": scale.feature_width, "ratios": scale.ratios}
    return build_head({**RefineTask().hparams, "merging": "ranking", **own}, CLASSES)


def make_networks(scale: Scale, device: torch.device) -> dict[str, nn.Module]:
    pyramids = [Backbone(scale.backbone, None, scale.channels, extra_levels=levels_above("max_pool")) for _ in range(3)]
    networks = {
        "Faster R-CNN": make_detector(pyramids[0], scale),
        "refiner": Refiner(pyramids[1], make_head(scale)),
        "joint": JointModel(Refiner(pyramids[2], make_head(scale)), make_detector(pyramids[2], scale)),
    }
    return {name: network.to(device).train() for name, network in networks.items()}


def losses_of(network: nn.Module, batch: RefineBatch, draws: Tensor) -> list[Tensor]:
    if isinstance(network, Refiner):
        output = network(batch.images, batch.objects, draws)
        return list(network.head.losses(output, batch.objects).values())
    if isinstance(network, JointModel):
        output, detection = network(batch.images, batch.objects, draws)
        return [*network.refiner.head.losses(output, batch.objects).values(), *detection.values()]
    targets = detection_targets(batch.objects, batch.objects.boxes)
    return list(network(list(batch.images), targets).values())


def training_step(network: nn.Module, batch: RefineBatch, scale: Scale, precision: str) -> Step:
    """Forward and backward pass."""
    device = batch.images.device
    draws = torch.rand(scale.images, 4, scale.negatives).to(device)

    def step() -> None:
        with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
            losses = losses_of(network, batch, draws)
        torch.stack([loss.float() for loss in losses]).sum().backward()  # type: ignore[no-untyped-call]
        network.zero_grad()

    return step


def seconds_of(step: Step, device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    start = time.perf_counter()
    step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - start


def paired_seconds(steps: dict[str, Step], scale: Scale, device: torch.device) -> dict[str, list[float]]:
    """Seconds of steps that are taken in turn."""
    found: dict[str, list[float]] = {name: [] for name in steps}
    for run in range(scale.warm_up + scale.runs):
        for name, step in steps.items():
            seconds = seconds_of(step, device)
            if run >= scale.warm_up:
                found[name].append(seconds)
    return found


def peak_memory(step: Step, device: torch.device) -> float | None:
    """GiB that a step holds at most, all that was there before included; of the GPU alone."""
    if device.type != "cuda":
        return None
    torch.cuda.reset_peak_memory_stats(device)
    step()
    return round(torch.cuda.max_memory_allocated(device) / 2**30, 2)


def kernel_share(step: Step, device: torch.device) -> float | None:
    """Share of a step's time in which the GPU computes; ``None`` without one."""
    if device.type != "cuda":
        return None
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as found:
        seconds = seconds_of(step, device)
    busy = sum(event.self_device_time_total for event in found.key_averages()) / 1e6
    return round(float(busy / seconds), 2)


def measure_steps(scale: Scale) -> list[dict[str, Any]]:
    """A row for each number of objects, precision and network."""
    device = used_device()
    rows = []
    for objects in scale.objects:
        batch = make_batch(scale, objects, device)
        for precision in ("fp32", "bf16"):
            networks = make_networks(scale, device)
            steps = {name: training_step(network, batch, scale, precision) for name, network in networks.items()}
            seconds = paired_seconds(steps, scale, device)
            reference = seconds["Faster R-CNN"]
            for name, step in steps.items():
                ratio = statistics.median(a / b for a, b in zip(seconds[name], reference, strict=True))
                rows.append(
                    {
                        "objects_an_image": len(batch.objects.boxes) / scale.images,
                        "precision": precision,
                        "network": name,
                        "seconds": statistics.median(seconds[name]),
                        "of_faster_rcnn": round(ratio, 3),
                        "peak_gib": peak_memory(step, device),
                        "kernel_share": kernel_share(step, device),
                    }
                )
    return rows


def measure_refining(scale: Scale) -> list[dict[str, Any]]:
    """Images a second of refining in one view, and of Faster R-CNN's inference on the same images."""
    device = used_device()
    rows = []
    networks = make_networks(scale, device)
    refiner, detector = networks["refiner"].eval(), networks["Faster R-CNN"].eval()
    assert isinstance(refiner, Refiner)
    refining = RefinePass([TrainedRefiner(refiner, torch.zeros(0, dtype=torch.long))], make_views())
    for objects in scale.objects:
        batch = make_batch(scale, objects, device)
        for precision in ("fp32", "bf16"):
            with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                steps: dict[str, Step] = {
                    "Faster R-CNN": lambda batch=batch: detector(list(batch.images)),  # type: ignore[misc]
                    "refine-annotations": lambda batch=batch: refining.predict_step(batch, 0),  # type: ignore[misc]
                }
                seconds = paired_seconds(steps, scale, device)
            for name, found in seconds.items():
                rows.append(
                    {
                        "objects_an_image": len(batch.objects.boxes) / scale.images,
                        "precision": precision,
                        "network": name,
                        "images_a_second": scale.images / statistics.median(found),
                    }
                )
    return rows


PARTS = {"steps": measure_steps, "refining": measure_refining}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--runs", type=int, help="of which the median is taken")
    settings = parser.parse_args()
    scale = SMALL if settings.small else Scale()
    scale = replace(scale, runs=settings.runs or scale.runs)
    print(json.dumps(PARTS[settings.part](scale)))


if __name__ == "__main__":
    main()
