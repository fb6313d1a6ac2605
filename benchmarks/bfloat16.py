"""Training steps of refiner and Faster R-CNN in mixed precision of bfloat16, beside those in single precision.

    OMP_NUM_THREADS=1 python -m benchmarks.bfloat16

Images, networks and widths are those of `refine_robust.yaml`; seconds of processors, of steps in turn.
"""

import argparse
import time

import torch

from benchmarks.crowded import FASTER_RCNN, SMALL, make_step
from benchmarks.refiner_step import IMAGES, make_objects
from benchmarks.timing import paired, ratio_line
from ssd_det.precision import processor_is_fast_in_bfloat16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbones", nargs="+", default=["resnet18", "mobilenet_v2"])
    parser.add_argument("--objects", type=int, nargs="+", default=[5, 13], help="in an image")
    parser.add_argument("--runs", type=int, default=5)
    settings = parser.parse_args()
    torch.manual_seed(0)
    print(
        f"AMX with one thread: {processor_is_fast_in_bfloat16()}, torch {torch.__version__}, {IMAGES} images",
        flush=True,
    )
    images = torch.rand(IMAGES, 3, SMALL.height, SMALL.width)
    for backbone in settings.backbones:
        for way in (FASTER_RCNN, "all proposals"):
            step = make_step(way, backbone, SMALL)
            for count in settings.objects:
                objects = make_objects(count, SMALL.height, SMALL.width)

                def single(step=step, objects=objects) -> None:  # type: ignore[no-untyped-def]
                    step(images, objects)

                def mixed(single=single) -> None:  # type: ignore[no-untyped-def]
                    with torch.autocast("cpu", torch.bfloat16):
                        single()

                seconds = paired(single, mixed, runs=settings.runs, clock=time.process_time)
                print(ratio_line(f"{backbone}, {count} objects, {way}: single, bfloat16", *seconds), flush=True)


if __name__ == "__main__":
    main()
