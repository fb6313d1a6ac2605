"""How close correcting brings boxes with more and more trusted ones, no picture looked at.

    python -m benchmarks.trusted_counts bccd=$DATA/bccd/train.json nuclei=$DATA/nuclei/boxes.json --figure growth.png

Noise is put on the boxes of files that are right; some of these, drawn at random anew for each trial, are trusted.
"""

import argparse
import random
import statistics
from pathlib import Path

from matplotlib.figure import Figure

from ssd_det.annotations.coco import CocoFile, parse_coco, read_coco
from ssd_det.annotations.edits.corrected import corrected_content
from ssd_det.annotations.edits.noise import corrupt
from ssd_det.annotations.edits.noise_kinds import Kind
from ssd_det.ops.boxes import corners, iou

COUNTS = (0, 10, 20, 50, 100, 200)
KINDS: tuple[Kind, ...] = ("tight", "loose")
STYLES = {"tight": "-", "loose": "--"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="NAME=PATH of annotations with true boxes")
    parser.add_argument("--level", type=float, default=0.4)
    parser.add_argument("--seed", type=int, default=45)
    parser.add_argument("--trials", type=int, default=10)
    parser.add_argument("--figure", help="a picture to draw")
    settings = parser.parse_args()
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel="trusted boxes", ylabel="mean IoU of all others with the truth")
    print("| data | kind | " + " | ".join(map(str, COUNTS)) + " |")
    for number, argument in enumerate(settings.files):
        name, _, path = argument.partition("=")
        for kind in KINDS:
            noisy = parse_coco(Path(path), corrupt(read_coco(path), settings.level, settings.seed, kind)[0])
            reached = {
                count: [_reached(noisy, count, trial) for trial in range(settings.trials)]
                for count in COUNTS
                if count < len(noisy.annotations)
            }
            cells = [f"{statistics.mean(values):.3f} ({min(values):.3f})" for values in reached.values()]
            print(f"| {name} | {kind} | " + " | ".join(cells) + " |", flush=True)
            means = [statistics.mean(values) for values in reached.values()]
            axes.plot(list(reached), means, STYLES[kind], color=f"C{number}", marker="o", label=f"{name}, {kind}")
    axes.legend()
    if settings.figure:
        figure.savefig(settings.figure, dpi=120)


def _reached(noisy: CocoFile, count: int, trial: int) -> float:
    """The mean IoU of boxes that are not trusted, after correcting, in one trial."""
    known = [annotation for annotation in noisy.annotations if annotation.true_bbox]
    trusted = {a.id: a.true_bbox for a in random.Random(trial).sample(known, count) if a.true_bbox}
    content, _ = corrected_content(noisy, trusted)
    others = [annotation for annotation in known if annotation.id not in trusted]
    boxes = corners([content["annotations"][annotation.position]["bbox"] for annotation in others])
    return iou(boxes, corners([a.true_bbox for a in others if a.true_bbox])).mean().item()


if __name__ == "__main__":
    main()
