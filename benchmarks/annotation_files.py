"""Commands on annotation files of growing size: time, processor time and peak memory of each as a process of its own.

    git worktree add ../before COMMIT
    python -m benchmarks.annotation_files --runs 3 --before ../before

With ``--before``, each command is run with the code of another work tree as well, in turn, and both have to write and
print the same. The files are drawn from a seed, with as many annotations an image as COCO train2017 has, 80 categories,
float boxes, areas and short polygons, and have a few faults to fix. For comparison, pycocotools loads the file and json
writes it again.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ssd_det.annotations.digests import digest
from ssd_det.annotations.json_files import JsonObject

ANNOTATIONS_AN_IMAGE = 860_000 / 118_000
CATEGORIES = 80
CORNERS = 6
FAULT_EVERY = 100  # annotations: their flag is a text, so that there is something to fix
WIDTH, HEIGHT = 640, 480
PEER = "pycocotools and json.dump"
REWRITE = """
import json, sys
from pycocotools.coco import COCO
with open(sys.argv[2], "w") as file:
    json.dump(COCO(sys.argv[1]).dataset, file)
"""


class Cost(NamedTuple):
    """What a process took: seconds, seconds of processors, and GiB at its peak."""

    wall: float
    processor: float
    memory: float


def draw(count: int, seed: int) -> JsonObject:
    """The content of a COCO file with this many annotations."""
    random = np.random.default_rng(seed)
    images = max(1, round(count / ANNOTATIONS_AN_IMAGE))
    sides = np.exp(random.uniform(np.log(8), np.log(240), size=(count, 2)))
    corners = random.random((count, 2)) * ((WIDTH, HEIGHT) - sides)
    angles = np.sort(random.random((count, CORNERS)) * 2 * np.pi, axis=1)
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=2)
    low, high = ring.min(axis=1, keepdims=True), ring.max(axis=1, keepdims=True)
    points = (ring - low) / (high - low) * sides[:, None] + corners[:, None]
    x, y = points[:, :, 0], points[:, :, 1]
    areas = np.abs((x * np.roll(y, -1, axis=1) - np.roll(x, -1, axis=1) * y).sum(axis=1)) / 2
    annotations = [
        {
            "segmentation": [polygon],
            "area": area,
            "iscrowd": 0,
            "image_id": image,
            "bbox": box,
            "category_id": category,
            "id": number,
        }
        for number, (polygon, area, image, box, category) in enumerate(
            zip(
                points.reshape(count, -1).round(2).tolist(),
                areas.round(4).tolist(),
                random.integers(1, images + 1, size=count).tolist(),
                np.concatenate([corners, sides], axis=1).round(2).tolist(),
                random.integers(1, CATEGORIES + 1, size=count).tolist(),
                strict=True,
            ),
            start=1,
        )
    ]
    for entry in annotations[::FAULT_EVERY]:
        entry["iscrowd"] = "0"
    return {
        "info": {"description": f"{count} annotations, seed {seed}"},
        "images": [
            {"id": number, "file_name": f"{number:012d}.jpg", "width": WIDTH, "height": HEIGHT}
            for number in range(1, images + 1)
        ],
        "annotations": annotations,
        "categories": [{"id": number, "name": f"category {number}"} for number in range(1, CATEGORIES + 1)],
    }


def write(path: Path, count: int, seed: int) -> None:
    """Write what :func:`draw` makes."""
    path.write_text(json.dumps(draw(count, seed)))


def run(words: Sequence[str], code: Path) -> tuple[Cost, str]:
    """Run a process with the code of a work tree; its exit code may say that it found faults.

    Returns:
        What it took, and what it printed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONPATH": str(code)},
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1}:
        raise RuntimeError(f"{words}: {printed}")
    cost = Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20)
    return cost, printed


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of the files of a folder, by their names."""
    return {path.name: digest(path) for path in folder.iterdir()}


def commands(folder: Path) -> dict[str, list[str]]:
    """The words of each command, in an order in which each finds its inputs."""
    true, noisy, out = (str(folder / name) for name in ("true.json", "noisy.json", "out.json"))
    ours = ["-P", "-m", "ssd_det"]
    return {
        "check-annotations": [*ours, "check-annotations", true],
        "check-annotations --fix": [*ours, "check-annotations", true, f"--fix={out}", "--overwrite"],
        "corrupt-annotations": [
            *ours,
            "corrupt-annotations",
            true,
            f"--output={noisy}",
            "--noise_level=0.4",
            "--overwrite",
        ],
        "compare-annotations": [*ours, "compare-annotations", noisy, f"--reference={true}"],
        "true-annotations": [*ours, "true-annotations", noisy, f"--output={out}", "--overwrite"],
        PEER: ["-c", REWRITE, true, out],
    }


def measure(name: str, folder: Path, codes: dict[str, Path], runs: int) -> dict[str, list[Cost]]:
    """What a command takes with each code, by the name of the code; these are run in turn.

    Raises:
        RuntimeError: if what they write or print differs.
    """
    costs_of: dict[str, list[Cost]] = {}
    for _ in range(runs):
        results = []
        for code_name, code in codes.items():
            cost, printed = run(commands(folder)[name], code)
            costs_of.setdefault(code_name, []).append(cost)
            results.append((printed, digests(folder)))
        if any(result != results[0] for result in results):
            raise RuntimeError(f"{name}: the results differ")
    return costs_of


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000, 100_000, 860_000])
    parser.add_argument("--runs", type=int, default=3, help="how many times, in turn")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--before", type=Path, help="a work tree with the code to compare with")
    settings = parser.parse_args()
    print(f"Python {platform.python_version()}, {os.cpu_count()} cores, medians of {settings.runs} runs", flush=True)
    codes = {"": Path(__file__).resolve().parents[1]}
    if settings.before is not None:
        codes[", before"] = settings.before.resolve()
    smallest: dict[str, tuple[int, float]] = {}
    for count in settings.counts:
        with tempfile.TemporaryDirectory() as name_of_folder:
            folder = Path(name_of_folder)
            path = folder / "true.json"
            # In another process: the peak memory of those that this one starts is at least its own.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                pool.submit(write, path, count, settings.seed).result()
            print(f"{count} annotations, {path.stat().st_size / 2**20:.1f} MiB", flush=True)
            for name in commands(folder):
                costs_of = measure(name, folder, {"": codes[""]} if name == PEER else codes, settings.runs)
                for code_name, costs in costs_of.items():
                    _print_costs(f"{name}{code_name}", count, costs, smallest)


def _print_costs(name: str, count: int, costs: Sequence[Cost], smallest: dict[str, tuple[int, float]]) -> None:
    wall, processor, memory = map(statistics.median, zip(*costs, strict=True))
    line = f"  {name:34}{wall:8.2f} s{processor:8.2f} s of processors{memory:7.2f} GiB"
    if name in smallest:
        fewer, seconds = smallest[name]
        line += f"{(processor - seconds) / (count - fewer) * 1e6:8.1f} µs for each further annotation"
    else:
        smallest[name] = count, processor
    print(line, flush=True)


if __name__ == "__main__":
    main()
