"""The pairs of configurations that settings start from, and which of them goes with data and machine."""

from typing import NamedTuple

from ssd_det.setup.facts import DataFacts, Machine

LARGE_DATA, LARGE_MEMORY = 5000, 16  # images and GiB from which the published settings are worth their cost


class Base(NamedTuple):
    """A pair of configurations that come with the package, and what is known about them.

    Attributes:
        refine: path of the refiner's configuration in the folder of configurations.
        detect: the same for the detector.
        why: what it is, and when it is chosen.
        smallest_side: pixels of the longer side unless small objects need more.
        largest_sides: pixels that small objects may raise that to, of refiner and detector.
        batch: images a step that its rates are for, of refiner and detector.
        rates: learning rates of both.
        optimizer: of both; decides how a rate follows the batch.
        channels: of the feature pyramid.
        roi_size: cells along the side of a pooled proposal.
        backbone: of both networks.
        ratios: of the sampler.
        offsets: of the sampler.
        decays: shares of the epochs after which the rates fall, of both.
    """

    refine: str
    detect: str
    why: str
    smallest_side: int
    largest_sides: tuple[int, int]
    batch: tuple[int, int]
    rates: tuple[float, float]
    optimizer: str
    channels: int
    roi_size: int
    backbone: str
    ratios: tuple[float, ...]
    offsets: tuple[float, ...]
    decays: tuple[tuple[float, ...], tuple[float, ...]]

    @property
    def bag_size(self) -> int:
        """Proposals of an object."""
        return len(self.ratios) ** 2 * (1 + 4 * len(self.offsets))


SMALL_CPU = Base(
    refine="refine_robust.yaml",
    detect="detect.yaml",
    why="MobileNetV2 and AdamW: no GPU",
    smallest_side=320,
    largest_sides=(512, 640),
    batch=(2, 4),
    rates=(7e-4, 1e-3),
    optimizer="adamw",
    channels=64,
    roi_size=5,
    backbone="mobilenet_v2",
    ratios=(1.0, 1.4, 0.7),
    offsets=(0.3,),
    decays=((), (0.75, 0.9)),  # the refiner averages its weights instead
)
SMALL_GPU = SMALL_CPU._replace(
    why=f"MobileNetV2 and AdamW: fewer than {LARGE_DATA:,} images or {LARGE_MEMORY} GiB on the GPU",
    smallest_side=640,
    largest_sides=(1024, 1024),
)
LARGE = Base(
    refine="refine.yaml",
    detect="paper/detector.yaml",
    why=f"ResNet-50 and SGD as published: {LARGE_DATA:,} images or more, and a GPU",
    smallest_side=1333,
    largest_sides=(1333, 1333),
    batch=(16, 16),
    rates=(0.02, 0.02),
    optimizer="sgd",
    channels=256,
    roi_size=7,
    backbone="resnet50",
    ratios=(1.0, 1.2, 1.3, 0.8, 0.7),
    offsets=(0.2,),
    decays=((0.65, 0.9), (0.65, 0.9)),
)


def base_for(data: DataFacts, machine: Machine) -> Base:
    """The pair to start from."""
    if not machine.gpus:
        return SMALL_CPU
    large = data.images >= LARGE_DATA and min(gpu.memory for gpu in machine.gpus) >= LARGE_MEMORY
    return LARGE if large else SMALL_GPU
