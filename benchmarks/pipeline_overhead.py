"""The pipeline's own time, outside of the processes of its stages, on the demo's data and one epoch a training.

Each pipeline is called twice; the second call finds all stages finished.
"""

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CONFIG = Path(__file__).parent.parent / "configs" / "demo.yaml"
IN_PROCESSES = re.compile(r"([\d.]+) s in the processes of this call")
SHORT = ("--refine.trainer.max_epochs=1", "--detect.trainer.max_epochs=1")


def ssd_det(*words: str) -> tuple[float, str]:
    """Wall time of a command in seconds, and what it printed."""
    started = time.perf_counter()
    command = [sys.executable, "-P", "-m", "ssd_det", *words]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return time.perf_counter() - started, printed


def pipeline_seconds(words: list[str]) -> tuple[float, float]:
    """Wall time of a pipeline in seconds, outside of its processes and in all."""
    wall, printed = ssd_det(*words)
    match = IN_PROCESSES.search(printed)
    assert match is not None
    return wall - float(match.group(1)), wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3, help="how many times")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        ssd_det("demo-data", f"--output={data}", "--images=20", "--test_images=5")
        noisy = Path(folder) / "noisy.json"
        ssd_det("corrupt-annotations", str(data / "train.json"), f"--output={noisy}", "--noise_level=0.4")
        files = [
            f"--annotations={noisy}",
            f"--image_root={data / 'images'}",
            f"--test_annotations={data / 'test.json'}",
        ]
        measured = []
        for number in range(runs):
            words = ["pipeline", f"--config={CONFIG}", *files, f"--output={folder}/{number}", *SHORT]
            words.append("--side_by_side=1")  # the times of stages are to add up
            measured.append((*pipeline_seconds(words), *pipeline_seconds(words)))
    outside, wall, outside_again, wall_again = map(statistics.median, zip(*measured, strict=True))
    print(f"{runs} runs, medians: own time {outside:.2f} s of {wall:.1f} s")
    print(f"with all stages finished: {outside_again:.2f} s of {wall_again:.1f} s")


if __name__ == "__main__":
    main()
