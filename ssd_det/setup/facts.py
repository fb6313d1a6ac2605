"""What is known about data and machine before settings are chosen."""

from dataclasses import dataclass

import numpy as np
import torch

from ssd_det.annotations.coco import CocoFile
from ssd_det.free_memory import GIB, free_memory
from ssd_det.precision import gpu_is_fast_in_bfloat16
from ssd_det.starting.cores import usable_cores


@dataclass(frozen=True)
class DataFacts:
    """What an annotation file holds to train on.

    Attributes:
        images: how many there are.
        images_with_objects: how many are trained on.
        objects: how many annotations can be used.
        left_out: how many cannot.
        categories: how many there are.
        longest_side: median over the images, in pixels.
        shortest_side: the same for the shorter side.
        largest_image: width and height of the one with most pixels.
        objects_per_image: median, 95th percentile and maximum, over images that have any.
        object_sides: 10th percentile, median and 90th percentile of √(width · height), in pixels.
        relative_sides: the same, as shares of the image's longer side.
    """

    images: int
    images_with_objects: int
    objects: int
    left_out: int
    categories: int
    longest_side: int
    shortest_side: int
    largest_image: tuple[int, int]
    objects_per_image: tuple[int, int, int]
    object_sides: tuple[float, float, float]
    relative_sides: tuple[float, float, float]


@dataclass(frozen=True)
class Gpu:
    """A CUDA device.

    Attributes:
        name: of the product.
        memory: free, in GiB.
        bf16: whether it multiplies bfloat16 in hardware.
    """

    name: str
    memory: float
    bf16: bool


@dataclass(frozen=True)
class Machine:
    """The machine to train on.

    Attributes:
        cores: that this process may use.
        memory: free main memory, in GiB.
        gpus: in the order of their numbers.
    """

    cores: int
    memory: float
    gpus: tuple[Gpu, ...] = ()

    def describe(self) -> str:
        """The machine in one line."""
        cores = f"{self.cores} core{'s' if self.cores > 1 else ''}, {self.memory:.1f} GiB of memory free"
        gpus = [f"{gpu.name} with {gpu.memory:.1f} GiB free" for gpu in self.gpus]
        return "; ".join([cores, *(gpus or ["no GPU"])])


def measure_data(coco: CocoFile) -> DataFacts:
    """Measure an annotation file.

    Raises:
        InputError: if no annotation can be used.
    """
    usable = coco.count_usable()
    annotations = [annotation for annotation in coco.annotations if coco.why_unusable(annotation) is None]
    sizes = np.array([(image.width, image.height) for image in coco.images])
    longest = {image.id: max(image.width, image.height) for image in coco.images}
    sides = np.sqrt([annotation.bbox[2] * annotation.bbox[3] for annotation in annotations])
    relative = sides / [longest[annotation.image_id] for annotation in annotations]
    counts = np.unique([annotation.image_id for annotation in annotations], return_counts=True)[1]
    width, height = sizes[sizes.prod(axis=1).argmax()].tolist()
    median, percentile_95, maximum = (int(np.ceil(np.percentile(counts, share))) for share in (50, 95, 100))
    return DataFacts(
        images=len(coco.images),
        images_with_objects=len(counts),
        objects=usable,
        left_out=len(coco.annotations) - usable,
        categories=len(coco.categories),
        longest_side=round(float(np.median(sizes.max(axis=1)))),
        shortest_side=round(float(np.median(sizes.min(axis=1)))),
        largest_image=(width, height),
        objects_per_image=(median, percentile_95, maximum),
        object_sides=_spread(sides),
        relative_sides=_spread(relative),
    )


def inspect_machine() -> Machine:
    """Find out what this process may use."""
    gpus = []
    for index in range(torch.cuda.device_count()):
        free, _ = torch.cuda.mem_get_info(index)
        gpus.append(Gpu(torch.cuda.get_device_name(index), free / GIB, gpu_is_fast_in_bfloat16(index)))
    return Machine(usable_cores(), free_memory(), tuple(gpus))


def _spread(values: np.typing.NDArray[np.float64]) -> tuple[float, float, float]:
    low, middle, high = np.percentile(values, [10, 50, 90]).tolist()
    return low, middle, high
