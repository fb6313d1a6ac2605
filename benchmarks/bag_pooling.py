"""Bag pooling against torchvision.ops.roi_align, and by columns against box by box: forward and backward, paired runs.

python -m benchmarks.bag_pooling
"""

import argparse
import time
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torchvision.ops import roi_align

from benchmarks.timing import paired, ratio_line
from ssd_det.ops.bag_pooling import FINEST_LEVEL_SIZE, Pyramid, pool_boxes
from ssd_det.ops.grid_pooling import pool_grids
from ssd_det.ops.sampling import neighbours, shared_columns

STRIDE, SIZE, SAMPLING_RATIO = 4, 7, 2
RATIOS, OFFSETS = (1.0, 1.2, 1.3, 0.8, 0.7), (0.2,)
HEIGHT, WIDTH = 480, 640


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--bags", type=int, default=16)
    parser.add_argument("--channels", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    settings = parser.parse_args()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)

    feature = torch.randn(2, settings.channels, HEIGHT // STRIDE, WIDTH // STRIDE, requires_grad=True)
    sides = FINEST_LEVEL_SIZE * (1 + 0.5 * torch.rand(settings.bags, 2))
    corners = torch.rand(settings.bags, 2) * (torch.tensor([WIDTH, HEIGHT]) - sides)
    bags = neighbours(torch.cat([corners, corners + sides], dim=1), RATIOS, OFFSETS)
    boxes = bags.flatten(0, 1)
    images = torch.arange(settings.bags).remainder(2).repeat_interleave(bags.shape[1])
    rois = torch.cat([images[:, None].to(boxes.dtype), boxes], dim=1)

    def pool_ours() -> Tensor:
        return pool_boxes(Pyramid([feature], [STRIDE]), boxes, images, SIZE, SAMPLING_RATIO)

    def pool_by_columns() -> Tensor:
        columns = shared_columns(len(RATIOS), len(OFFSETS))
        return pool_grids(Pyramid([feature], [STRIDE]), bags, images[:: bags.shape[1]], columns, SIZE, SAMPLING_RATIO)

    def pool_torchvision() -> Tensor:
        pooled: Tensor = roi_align(feature, rois, SIZE, 1 / STRIDE, SAMPLING_RATIO, aligned=True)
        return pooled.permute(0, 2, 3, 1)

    weights = torch.randn(len(boxes), SIZE, SIZE, settings.channels)
    print(
        f"{settings.bags} bags of {bags.shape[1]}, {settings.channels} channels, {SIZE}x{SIZE}, "
        f"{settings.threads} threads, torch {torch.__version__}"
    )

    def forward_and_backward(pool: Callable[[], Tensor]) -> None:
        torch.autograd.backward(pool(), weights)

    for name, pools in (
        ("box by box, and torchvision", (pool_ours, pool_torchvision)),
        ("by columns, and box by box", (pool_by_columns, pool_ours)),
    ):
        difference = (pools[0]() - pools[1]()).abs().max().item()
        gradients = [torch.autograd.grad((pool() * weights).sum(), feature)[0] for pool in pools]
        gradient_difference = ((gradients[0] - gradients[1]).abs().max() / gradients[1].abs().max()).item()
        print(f"{name}: largest difference {difference:.1e}, of the gradient {gradient_difference:.1e} of its largest")
        with torch.no_grad():
            print(ratio_line("forward", *paired(*pools, runs=settings.runs, clock=time.process_time)))
        functions = [partial(forward_and_backward, pool) for pool in pools]
        print(ratio_line("forward and backward", *paired(*functions, runs=settings.runs, clock=time.process_time)))


if __name__ == "__main__":
    main()
