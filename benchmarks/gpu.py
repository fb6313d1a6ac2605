"""What the product does on a GPU: checked, timed and trained with, in one command of under nine minutes.

    python -m benchmarks.gpu --output gpu

Parts, each in a process of its own, so that one that fails or hangs costs the others nothing:

- tests: those marked ``cuda``.
- steps: training steps of refiner, joint model and torchvision's Faster R-CNN in turn (ResNet-50, two images of
  1000x600, 2.4 and 13 objects an image, fp32 and bf16), their peak memory, and the share of the time in which the GPU
  computes.
- refining: images a second of refine-annotations in one view, and of Faster R-CNN's inference on the same images.
- ranks: two processes on the one device, by NCCL, or by gloo where NCCL refuses.
- training: the drawn data set with noise of level 0.4, a refiner trained for some minutes, and how good its boxes are.

Writes gpu.json and gpu.md as soon as each part has ended. Without a GPU everything runs on the CPU in a small form.
"""

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

SECONDS = 530  # of all parts together
PATIENCE = 20  # how many times as long the small form may take, on a machine that does other work
MOST_WORDS = 400  # of what a part that failed has said last
TRAINING = (
    "--config=configs/refine_small.yaml",
    *(f"--model.{setting}" for setting in ("weights=null", "frozen_stages=0", "freeze_batch_norm=false")),
    *(f"--model.{setting}" for setting in ("backbone=resnet18", "noise_steps=150", "milestones=[9]")),
    *("--data.shortest_side=192", "--data.longest_side=256"),
    *("--trainer.logger=false", "--trainer.enable_progress_bar=false"),
)
TINY = (
    *(f"--model.{setting}" for setting in ("fpn_channels=32", "feature_width=16", "roi_size=2")),
    *("--data.num_workers=0", "--trainer.accelerator=cpu"),
)
Row = dict[str, Any]


class PartError(Exception):
    """A part that did not end as it should, in words."""


@dataclass(frozen=True)
class Part:
    """One part of the run.

    Attributes:
        name: in the tables.
        limit: seconds that it may take.
        run: makes its rows, from the seconds that are left for it and whether it is to be small.
    """

    name: str
    limit: float
    run: Callable[[float, bool], list[Row]]


@dataclass
class Result:
    """What a part has found, or why it has not."""

    name: str
    seconds: float = 0.0
    rows: list[Row] = field(default_factory=list)
    failure: str | None = None


def finished(words: Sequence[str], seconds: float) -> str:
    """What a command prints.

    Raises:
        PartError: if it fails, or takes longer than that.
    """
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        printed, _ = process.communicate(timeout=max(seconds, 1))
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # with the processes that it has started itself
        printed, _ = process.communicate()
        raise PartError(f"took more than {seconds:.0f} s: {printed[-MOST_WORDS:]}") from None
    if process.returncode:
        raise PartError(f"ended with {process.returncode}: {printed[-MOST_WORDS:]}")
    return printed


def measured(words: Sequence[str], seconds: float) -> list[Row]:
    """The rows that a measuring script prints in its last line."""
    lines = finished([sys.executable, *words], seconds).strip().splitlines()
    rows: list[Row] = json.loads(next(line for line in reversed(lines) if line.startswith("[")))
    return rows


def small_form(small: bool) -> list[str]:
    return ["--small"] if small else []


def run_tests(seconds: float, small: bool) -> list[Row]:
    words = ["-m", "pytest", "-q", "-m", "cuda", "-p", "no:cacheprovider", "tests/device"]
    last = finished([sys.executable, *words], seconds).strip().splitlines()[-1]
    return [{"pytest": last}]


def run_steps(seconds: float, small: bool) -> list[Row]:
    return measured(["-m", "benchmarks.gpu_steps", "steps", *small_form(small)], seconds)


def run_refining(seconds: float, small: bool) -> list[Row]:
    return measured(["-m", "benchmarks.gpu_steps", "refining", *small_form(small)], seconds)


def run_ranks(seconds: float, small: bool) -> list[Row]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "benchmarks.gpu_ranks"]
    rows: list[Row] = []
    backends = ("nccl", "gloo") if torch.cuda.is_available() else ("gloo",)
    for number, backend in enumerate(backends):
        try:
            share = seconds / (len(backends) - number)
            return [*rows, *measured([*launcher, backend, *small_form(small)], share)]
        except PartError as error:
            rows.append({"backend": backend, "failure": str(error)})
            seconds -= share
    raise PartError("; ".join(f"{row['backend']} {row['failure']}" for row in rows))


def run_training(seconds: float, small: bool) -> list[Row]:
    """Train on drawn images for about the time of the demo, refine their boxes, and compare them with the true ones."""
    end = time.monotonic() + seconds
    images, epochs = (4, 1) if small else (150, 12)
    limit = seconds - 70
    with tempfile.TemporaryDirectory() as name:
        data, noisy, run, refined = (str(Path(name) / part) for part in ("data", "noisy.json", "run", "refined.json"))
        truth, quality = f"{data}/train.json", Path(name) / "quality.json"
        common = [
            *TRAINING,
            *(TINY if small else ()),
            f"--data.annotations={noisy}",
            f"--data.image_root={data}/images",
        ]
        length = [f"--trainer.max_epochs={epochs}", f"--trainer.max_time={_clock(limit)}"]
        checkpoint = f"{run}/checkpoints/last.ckpt"
        for words in (
            ["demo-data", f"--output={data}", f"--images={images}", "--test_images=2"],
            ["corrupt-annotations", truth, f"--output={noisy}", "--noise_level=0.4", "--seed=45"],
            ["fit", *common, *length, f"--trainer.default_root_dir={run}"],
            ["refine-annotations", *common, f"--checkpoint={checkpoint}", f"--output={refined}"],
            ["compare-annotations", refined, f"--reference={truth}", f"--output={quality}"],
        ):
            finished([sys.executable, "-m", "ssd_det", *words], end - time.monotonic())
        found = json.loads(quality.read_text(encoding="utf-8"))
    return [{"images": images, "most_epochs": epochs, "most_seconds": limit, **_mean_ious(found)}]


def _clock(seconds: float) -> str:
    return f"00:00:{int(seconds) // 60:02d}:{int(seconds) % 60:02d}"


def _mean_ious(quality: Row) -> Row:
    """Of the noisy boxes and of the refined ones; the same where none was moved."""
    after = quality["after"]
    return {
        "mean_iou_before": (quality["before"] or after)["all"]["mean_iou"],
        "mean_iou_after": after["all"]["mean_iou"],
    }


PARTS = (
    Part("tests", 60, run_tests),
    Part("steps", 150, run_steps),
    Part("refining", 60, run_refining),
    Part("ranks", 80, run_ranks),
    Part("training", 180, run_training),
)


def run_part(part: Part, seconds: float, small: bool) -> Result:
    """Run one part for at most so many seconds, and take down why it failed if it did."""
    result = Result(part.name)
    start = time.monotonic()
    try:
        result.rows = part.run(seconds, small)
    except Exception as error:  # whatever it is, the other parts go on
        result.failure = str(error) if isinstance(error, PartError) else f"{type(error).__name__}: {error}"
    result.seconds = round(time.monotonic() - start, 1)
    return result


def machine() -> Row:
    on_gpu = torch.cuda.is_available()
    return {
        "device": torch.cuda.get_device_name() if on_gpu else platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda if on_gpu else None,
        "cores": os.cpu_count(),
    }


def as_markdown(found: Row, results: Sequence[Result]) -> str:
    """All results as one document."""
    lines = ["# On a GPU", "", ", ".join(f"{name} {value}" for name, value in found.items() if value is not None), ""]
    for result in results:
        lines += [f"## {result.name} ({result.seconds} s)", ""]
        if result.failure is not None:
            lines += [f"Failed: {' '.join(result.failure.split())}", ""]
        keys = list(dict.fromkeys(key for row in result.rows for key in row))
        if keys:
            lines += [f"| {' | '.join(keys)} |", "|" + "---|" * len(keys)]
            lines += [f"| {' | '.join(_cell(row.get(key)) for key in keys)} |" for row in result.rows] + [""]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return "" if value is None else " ".join(str(value).split()).replace("|", "/")


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path("gpu"), help="gpu.json and gpu.md are written into it")
    parser.add_argument("--small", action="store_true", help="the small form, on a GPU as well")
    parser.add_argument("--parts", nargs="+", default=[part.name for part in PARTS], help="which parts to run")
    settings = parser.parse_args(words)
    small = settings.small or not torch.cuda.is_available()
    settings.output.mkdir(parents=True, exist_ok=True)
    patience = PATIENCE if small else 1
    end = time.monotonic() + patience * SECONDS
    results: list[Result] = []
    for part in PARTS:
        if part.name not in settings.parts:
            continue
        left = min(patience * part.limit, end - time.monotonic())
        results.append(run_part(part, left, small))
        found = {**machine(), "small": small}
        content = {**found, "parts": [asdict(result) for result in results]}
        (settings.output / "gpu.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
        (settings.output / "gpu.md").write_text(as_markdown(found, results), encoding="utf-8")
        print(f"{part.name}: {results[-1].failure or 'done'} ({results[-1].seconds} s)", flush=True)


if __name__ == "__main__":
    main()
