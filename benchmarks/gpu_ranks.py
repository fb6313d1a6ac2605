"""Two processes that train one refiner on one device, for :mod:`benchmarks.gpu`.

Run by it under torchrun as ``python -m benchmarks.gpu_ranks BACKEND [--small]``; the last line of the first is json.
"""

import argparse
import json
import statistics

import torch
import torch.distributed
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from benchmarks.gpu_steps import SMALL, Scale, losses_of, make_batch, make_networks, seconds_of, used_device
from ssd_det.batches.batch import RefineBatch


class Losses(nn.Module):
    """A network whose output is its loss, which is what gradients are exchanged for."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, batch: RefineBatch, draws: Tensor) -> Tensor:
        return torch.stack(losses_of(self.network, batch, draws)).sum()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("backend", choices=("nccl", "gloo"))
    parser.add_argument("--small", action="store_true")
    settings = parser.parse_args()
    scale = SMALL if settings.small else Scale()
    device = used_device()
    torch.distributed.init_process_group(settings.backend)
    rank, ranks = torch.distributed.get_rank(), torch.distributed.get_world_size()
    torch.manual_seed(0)
    network = Losses(make_networks(scale, device)["refiner"])
    parallel = DistributedDataParallel(network, find_unused_parameters=False)
    batch = make_batch(scale, scale.objects[0] + rank, device)
    draws = torch.rand(scale.images, 4, scale.negatives).to(device)

    def step() -> None:
        network.zero_grad()
        parallel(batch, draws).backward()

    seconds = [seconds_of(step, device) for _ in range(scale.warm_up + scale.runs)][scale.warm_up :]
    gradients = [value.grad.double().norm() for value in network.parameters() if value.grad is not None]
    norm = torch.stack(gradients).norm().cpu()
    norms = [torch.zeros_like(norm) for _ in range(ranks)]
    if settings.backend == "gloo":
        torch.distributed.all_gather(norms, norm)
    else:
        found = [value.to(device) for value in norms]
        torch.distributed.all_gather(found, norm.to(device))
        norms = [value.cpu() for value in found]
    if rank == 0:
        equal = bool(all(torch.isclose(value, norms[0], rtol=1e-6) for value in norms))
        row = {"backend": settings.backend, "ranks": ranks, "seconds": statistics.median(seconds)}
        print(json.dumps([{**row, "same_gradients": equal}]))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
