"""The rules that turn facts into settings, each with the reason that is written beside it."""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from ssd_det.setup.bases import LARGE, SMALL_CPU, Base, base_for
from ssd_det.setup.facts import DataFacts, Machine

TARGET_SIDE = 32  # pixels of the median object: a few cells of the finest level of the pyramid
ENLARGED_SIDES = (24, 0)  # that images are enlarged for; never for the detector, whose time grows more with them
MOST_ENLARGED = 2
REFINER_STEPS, DETECTOR_STEPS = 1500, 1000  # for small data; docs/results.md was measured with about as many
MOST_STEPS = 4200  # of a refiner on small data, so that it sees each image as often as published; 25 minutes of CPU
MOST_EPOCHS, PUBLISHED_EPOCHS = 100, 12
LARGEST_BATCH = 16
USED_SHARE = 0.6  # of the memory, as the estimate is rough
FEWEST_OBJECTS = 2
ANCHORS = {24: None, 12: [16, 32, 64, 128, 256], 0: [8, 16, 32, 64, 128]}  # by the smaller objects' side in pixels
NOISE_STEPS = 300
SCALES = [0.8, 1.25]  # of images to refine, within those that refine_robust.yaml shows them at in training
FEW_OBJECTS, FEWEST_IMAGES = 2000, 20  # so few are learnt by heart; so few images are not dealt out


class Choice(NamedTuple):
    """A setting and why it is what it is."""

    value: Any
    why: str


@dataclass(frozen=True)
class Settings:
    """What was chosen.

    Attributes:
        base: the configurations that the choices differ from.
        refining: of the pipeline, on how boxes are refined.
        common: of both sections, by the name of the setting.
        refine: of the refiner.
        detect: of the detector.
        steps: of the whole training of refiner and detector.
        can_shrink: whether there is anything left to halve.
    """

    base: Base
    refining: dict[str, Choice]
    common: dict[str, Choice]
    refine: dict[str, Choice]
    detect: dict[str, Choice]
    steps: tuple[int, int]
    can_shrink: bool


def choose(data: DataFacts, machine: Machine, halvings: int = 0) -> Settings:
    """Choose settings.

    Args:
        data: the data to train on.
        machine: the machine to train on.
        halvings: how often to use less memory than at first: batches are halved, then objects.
    """
    base = base_for(data, machine)
    devices = max(len(machine.gpus), 1)
    sides = [_sides(data, base, stage) for stage in (0, 1)]
    batches = [_batch(base, data, machine, sides[stage], stage) for stage in (0, 1)]
    objects = _objects(data, machine)
    for _ in range(halvings):
        if max(batches) == 1:
            objects = max(objects // 2, FEWEST_OBJECTS)
        batches = [max(batch // 2, 1) for batch in batches]
    epochs, steps = zip(
        *(
            _epochs(base, data.images_with_objects, batch * devices, target, most)
            for batch, target, most in zip(
                batches, (REFINER_STEPS, DETECTOR_STEPS), (MOST_STEPS, DETECTOR_STEPS), strict=True
            )
        ),
        strict=True,
    )
    refine = {
        "ratios": Choice(list(base.ratios), f"with the offsets, bags of {base.bag_size} proposals an object"),
        "offsets": Choice(list(base.offsets), "sampler auto, the default, makes bags as wide as the noise needs"),
        "noise_steps": Choice(min(NOISE_STEPS, max(steps[0] // 3, 2)), "after these the noise is known"),
        "max_objects": _why_objects(objects, data),
        **sides[0],
        **_schedule(base, 0, batches[0], devices, epochs[0], steps[0]),
    }
    detect = {
        "anchor_sizes": _anchors(data, sides[1]["longest_side"].value),
        "detections_per_image": _detections(data),
        **sides[1],
        **_schedule(base, 1, batches[1], devices, epochs[1], steps[1]),
    }
    common = {
        "backbone": Choice(base.backbone, "small and fast" if base.backbone == SMALL_CPU.backbone else "as published"),
        "weights": Choice("DEFAULT", "torchvision's, downloaded once; offline, the path of a state_dict"),
        "num_workers": _workers(machine, devices),
        **_hardware(machine),
    }
    return Settings(
        base, _refining(base, data), common, refine, detect, steps, max(*batches, objects // FEWEST_OBJECTS) > 1
    )


def _refining(base: Base, data: DataFacts) -> dict[str, Choice]:
    few = data.objects < FEW_OBJECTS and data.images_with_objects >= FEWEST_IMAGES
    folds = (
        Choice(2, f"two refiners, each of half the images: one learns the noise of {data.objects:,} boxes by heart")
        if few
        else Choice(1, f"one refiner: {data.objects:,} boxes are not learnt by heart, or too few to share")
    )
    scales = {} if base is LARGE else {"average_over_scales": Choice(SCALES, "and over the image at these scales")}
    return {
        "average_over_flip": Choice(True, "boxes are averaged over each image and its mirror image"),
        **scales,
        "folds": folds,
    }


def _sides(data: DataFacts, base: Base, stage: int) -> dict[str, Choice]:
    """The resolution: large enough for the median object, as far as machine and images allow it."""
    median, own = data.relative_sides[1], data.longest_side
    enough, least = (math.ceil(side / median / 32) * 32 for side in (TARGET_SIDE, ENLARGED_SIDES[stage]))
    wanted = max(min(enough, own), min(least, MOST_ENLARGED * own))
    longest = max(min(wanted, base.largest_sides[stage]), min(base.smallest_side, own))
    shortest = max(round(longest * data.shortest_side / own), 1)
    reason = f"the median object is {median * longest:.0f} px in size then"
    if longest >= own:
        reason = f"the images' own size{' enlarged' * (longest > own)}; {reason}"
    return {
        "shortest_side": Choice(shortest, f"the shape of the median image, {own} by {data.shortest_side}"),
        "longest_side": Choice(longest, reason),
    }


def estimated_memory(base: Base, batch: int, sides: tuple[int, int], objects: int) -> float:
    """Memory of a refiner's step in GiB, a rough fit to what docs/results.md has measured.

    Args:
        base: the configurations, which decide the size of the network.
        batch: images a step.
        sides: of an image, in pixels.
        objects: per image.
    """
    image_memory = 2.0 * sides[0] * sides[1] / 1e6
    object_memory = 0.04 * base.bag_size / 125 * base.channels / 256 * (base.roi_size / 7) ** 2
    return 0.8 + batch * (image_memory + objects * object_memory)


def _batch(base: Base, data: DataFacts, machine: Machine, chosen: dict[str, Choice], stage: int) -> int:
    """The largest power of two that is likely to fit the memory; without a GPU no more than the rates are for."""
    memory = min((gpu.memory for gpu in machine.gpus), default=machine.memory)
    batch = LARGEST_BATCH if machine.gpus else base.batch[stage]
    objects = _objects(data, machine)
    sides = chosen["shortest_side"].value, chosen["longest_side"].value
    while batch > 1 and (
        estimated_memory(base, batch, sides, objects) > USED_SHARE * memory or batch > data.images_with_objects
    ):
        batch //= 2
    return batch


def _objects(data: DataFacts, machine: Machine) -> int:
    return min(max(data.objects_per_image[1], FEWEST_OBJECTS), 32 if machine.gpus else 16)


def _why_objects(objects: int, data: DataFacts) -> Choice:
    _, percentile_95, maximum = data.objects_per_image
    if objects >= percentile_95:
        return Choice(objects, f"an image and step: 95% of the images have no more than {percentile_95}")
    return Choice(objects, f"an image and step, a random subset of up to {maximum}, to bound time and memory")


def _epochs(base: Base, images: int, batch: int, target: int, most: int) -> tuple[int, int]:
    """The number of epochs, and of steps in all of them."""
    steps_per_epoch = math.ceil(images / batch)
    needed = min(math.ceil(target / steps_per_epoch), MOST_EPOCHS)
    seen = min(PUBLISHED_EPOCHS, most // steps_per_epoch)
    epochs = PUBLISHED_EPOCHS if base is LARGE else max(needed, seen)
    return epochs, epochs * steps_per_epoch


def _schedule(base: Base, stage: int, batch: int, devices: int, epochs: int, steps: int) -> dict[str, Choice]:
    growth = batch * devices / base.batch[stage]
    rate = float(f"{base.rates[stage] * (growth if base.optimizer == 'sgd' else math.sqrt(growth)):.2g}")
    follows = "in proportion to" if base.optimizer == "sgd" else "with the square root of"
    milestones = sorted({math.ceil(epochs * share) for share in base.decays[stage]} - {epochs})
    return {
        "batch_size": Choice(batch, "images a step" + (f" and GPU, {batch * devices} in all" if devices > 1 else "")),
        "learning_rate": Choice(rate, f"of {base.optimizer}, grows {follows} the images a step"),
        "max_epochs": Choice(epochs, f"{steps:,} steps"),
        "milestones": Choice(
            milestones,
            "epochs after which the rate is divided by 10" if milestones else "the rate stays, as weights are averaged",
        ),
    }


def _anchors(data: DataFacts, longest: int) -> Choice:
    small = data.relative_sides[0] * longest
    sizes = next(sizes for least, sizes in ANCHORS.items() if small >= least)
    seen = f"a tenth of the objects is below {small:.0f} px"
    return Choice(sizes, f"in px, as {seen}" if sizes else f"torchvision's, from 32 px up: {seen}")


def _detections(data: DataFacts) -> Choice:
    maximum = data.objects_per_image[2]
    return Choice(max(100, math.ceil(1.5 * maximum)), f"no image has more than {maximum} objects")


def _workers(machine: Machine, devices: int) -> Choice:
    workers = (
        min(8, max(machine.cores // devices - 1, 1))
        if machine.gpus
        else min(machine.cores // 2, 1 + machine.cores // 8)
    )
    return Choice(workers, f"processes that read images, of {machine.cores} core{'s' if machine.cores > 1 else ''}")


def _hardware(machine: Machine) -> dict[str, Choice]:
    gpus = machine.gpus
    bf16 = bool(gpus) and all(gpu.bf16 for gpu in gpus)
    unfit = "single precision: " + ("the GPU has no bfloat16" if gpus else "no GPU")
    return {
        "accelerator": Choice("gpu" if gpus else "cpu", gpus[0].name if gpus else "no CUDA device was found"),
        "devices": Choice(max(len(gpus), 1), "all that there are" if gpus else "one process"),
        "precision": Choice("bf16-mixed" if bf16 else "32-true", "the GPU has bfloat16" if bf16 else unfit),
    }
