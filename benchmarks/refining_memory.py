"""Refining annotation files of growing size under two processes: time and peak memory of each process.

    python -m benchmarks.refining_memory --counts 125000 250000 500000 1000000

The command is the real one, from the annotation file to the refined file, with everything that is learnt on the way.
The network is a stub that moves boxes by chance, and images are not read, so that what remains is reading,
collecting, judging and writing. The files are those of :mod:`benchmarks.annotation_files`.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.annotation_files import CATEGORIES, HEIGHT, WIDTH, draw
from ssd_det.annotations.coco import Category, Image
from ssd_det.batches import dataset
from ssd_det.batches.augmentation import Pixels
from ssd_det.batches.batch import Objects
from ssd_det.main import main as ssd_det
from ssd_det.models.refiner_output import Move, RefinerOutput
from ssd_det.ops.boxes import displaced, encode
from ssd_det.ops.merging import MergedBoxes
from ssd_det.refining import refine_file
from ssd_det.tasks.refine import RefineTask
from ssd_det.trainer import SSDDetTrainer

PROPOSALS = 8
ERROR = 0.3  # of the stub, in units of the box
BAG = 0.3
PIXELS = np.zeros((HEIGHT, WIDTH, 3), dtype=np.uint8)
SETTINGS = ("--model.weights=null", "--model.frozen_stages=0", "--model.freeze_batch_norm=false")
SMALL = ("--data.shortest_side=48", "--data.longest_side=64", "--data.num_workers=0", "--data.batch_size=16")
TRAINER = ("--trainer.accelerator=cpu", "--trainer.logger=false", "--trainer.enable_progress_bar=false")
PROCESSES = 2
WORKER = "--worker"


class StubRefiner(nn.Module):
    """Moves boxes by chance, and makes bags in which the noise of the boxes shows."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor, objects: Objects) -> RefinerOutput:
        """Refine the boxes of a batch."""
        boxes = objects.boxes
        count = len(boxes)
        refined = displaced(boxes, (torch.rand(count, 4) * 2 - 1) * ERROR)
        bag = displaced(boxes[:, None], (torch.rand(count, PROPOSALS, 4) * 2 - 1) * BAG)
        classes = torch.zeros(count, PROPOSALS, CATEGORIES + 1)
        members = torch.zeros(count, 1, dtype=torch.long)
        return RefinerOutput(
            bag_a=bag,
            valid=torch.ones(count, PROPOSALS, dtype=torch.bool),
            moves=(Move(bag, encode(bag, refined[:, None].expand_as(bag))),),
            bag_b=bag,
            classes=classes,
            instances=classes,
            regression=None,
            r1=refined,
            omega=torch.rand(count),
            stage_two=None,
            merged=MergedBoxes(refined, members, torch.ones(count, 1)),
            r2=refined,
            score=torch.rand(count),
            refined=refined,
        )


def use_stubs() -> None:
    """Let this process refine with the stub, and read no images."""

    def configure_model(self: RefineTask) -> None:
        self.refiner = StubRefiner()  # type: ignore[assignment]

    def read_image(path: Path, image: Image) -> Pixels:
        return PIXELS

    RefineTask.configure_model = configure_model  # type: ignore[method-assign]
    dataset.read_image = refine_file.read_image = read_image  # type: ignore[attr-defined]


def make_inputs(folder: Path, count: int, seed: int) -> None:
    content = draw(count, seed)
    for image in content["images"]:
        image["file_name"] = "image.png"
    (folder / "noisy.json").write_text(json.dumps(content))
    cv2.imwrite(str(folder / "image.png"), PIXELS)
    task = RefineTask(weights=None, frozen_stages=0, freeze_batch_norm=False)
    task.categories = [Category(number, f"category {number}") for number in range(1, CATEGORIES + 1)]
    task.configure_model()
    trainer = SSDDetTrainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False)
    trainer.strategy.connect(task)
    trainer.save_checkpoint(folder / "stub.ckpt")


def refine(folder: Path) -> int:
    """Refine as one of two processes, and note its time in seconds and its peak memory in GiB."""
    torch.set_num_threads(1)
    use_stubs()
    started = time.perf_counter()
    data = [f"--data.annotations={folder / 'noisy.json'}", f"--data.image_root={folder}"]
    to = [f"--checkpoint={folder / 'stub.ckpt'}", f"--output={folder / 'refined.json'}", "--min_score=0"]
    code = ssd_det(["refine-annotations", *SETTINGS, *SMALL, *TRAINER, f"--trainer.devices={PROCESSES}", *data, *to])
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    note = json.dumps([time.perf_counter() - started, used])
    (folder / f"rank_{os.environ['LOCAL_RANK']}.json").write_text(note)
    return code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[125_000, 250_000, 500_000, 1_000_000])
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    print(f"Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores", flush=True)
    use_stubs()
    for count in settings.counts:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            make_inputs(folder, count, settings.seed)
            launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={PROCESSES}"]
            subprocess.run([*launcher, "-m", "benchmarks.refining_memory", WORKER, name], check=True)
            noted = [json.loads((folder / f"rank_{rank}.json").read_text()) for rank in range(PROCESSES)]
        seconds = max(time for time, _ in noted)
        memory = ", ".join(f"process {rank} {used:.2f} GiB" for rank, (_, used) in enumerate(noted))
        print(
            f"{count} annotations: {seconds:.1f} s, {seconds / count * 1e6:.0f} µs each; at most {memory}", flush=True
        )


if __name__ == "__main__":
    if sys.argv[1:2] == [WORKER]:
        sys.exit(refine(Path(sys.argv[2])))
    main()
