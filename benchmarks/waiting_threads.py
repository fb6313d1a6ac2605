"""Training steps of two threads by how these wait for each other, on free cores or beside busy processes.

    python -m benchmarks.waiting_threads --runs 3
    python -m benchmarks.waiting_threads --runs 3 --busy 2

Each way is tried in a process of its own, in turn: how threads wait is settled as torch is imported.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack

import torch

from benchmarks.crowded import FASTER_RCNN, SMALL, make_step
from benchmarks.refiner_step import IMAGES, make_objects

OBJECTS = 5  # an image
STEPS = 6
WAYS = {
    "asleep at once": {"OMP_WAIT_POLICY": "PASSIVE"},
    "2,000 looks, then asleep": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "2000"},
    "20,000 looks": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "20000"},
    "200,000 looks": {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "200000"},
    "the runtime's default": {},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
SETTINGS = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS")
STEP_OF = {"refiner": "all proposals", "Faster R-CNN": FASTER_RCNN}


def measure() -> None:
    """Print seconds of wall and of processors for a step of each network, medians and means in this process."""
    torch.manual_seed(0)
    images, objects = torch.rand(IMAGES, 3, SMALL.height, SMALL.width), make_objects(OBJECTS, SMALL.height, SMALL.width)
    for way in STEP_OF.values():
        step, seconds = make_step(way, "resnet18", SMALL), []
        step(images, objects)
        processors = time.process_time()
        for _ in range(STEPS):
            start = time.perf_counter()
            step(images, objects)
            seconds.append(time.perf_counter() - start)
        print(statistics.median(seconds), (time.process_time() - processors) / STEPS)


def in_process(settings: dict[str, str], threads: int) -> list[float]:
    """What :func:`measure` prints in a process with other settings of the environment."""
    kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
    environment = {**kept, "OMP_NUM_THREADS": str(threads), **settings}
    words = [sys.executable, "-m", "benchmarks.waiting_threads", "--measure"]
    printed = subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout
    return [float(value) for value in printed.split()]


def main() -> None:
    """Compare the ways."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--busy", type=int, default=0, help="processes that compute all the time beside the steps")
    parser.add_argument("--measure", action="store_true", help="only take steps, as this process is set")
    settings = parser.parse_args()
    if settings.measure:
        measure()
        return
    found: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    with ExitStack() as stack:
        for _ in range(settings.busy):
            busy = stack.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            stack.callback(busy.kill)
        for _ in range(settings.runs):
            for way, environment in WAYS.items():
                found[way].append(in_process(environment, settings.threads))
    print("| threads that wait | " + " | ".join(f"{name}, wall | of processors" for name in STEP_OF) + " |")
    print("|---|" + "---|" * 2 * len(STEP_OF))
    for way, runs in found.items():
        print(
            f"| {way} | "
            + " | ".join(f"{statistics.median(column):.2f} s" for column in zip(*runs, strict=True))
            + " |"
        )


if __name__ == "__main__":
    main()
