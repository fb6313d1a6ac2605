"""The ablations of the refiner: the same training with one part left out or changed, row by row.

    python -m benchmarks.ablations --annotations bccd_0.4.json --reference $DATA/bccd/train.json \
      --image_root $DATA/bccd/images --output runs/ablations -- --trainer.max_epochs 4 --model.milestones [3]

A row is three commands: ``fit`` with the row's settings over the published form of ``configs/refine_small.yaml``,
``refine-annotations`` and ``compare-annotations``. Rows that are finished are left as they are. Words after ``--`` go
to every ``fit``. The table at the end has the quality of the refined boxes, the kinds of failure among them, and the
quality of the bags of the last epoch (mean, best, best ten).
"""

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path

CONFIG = "configs/refine_small.yaml"
ONE_STAGE = {"use_stage2": "false", "use_stage1_regressor": "false", "spsd_modules": "0"}
PUBLISHED = {"sampler": "fixed", "merging": "ranking"}
MIL = {"use_sisd": "false", "use_stage1_regressor": "false", "spsd_modules": "0"}
ROWS = {
    "stage I": ONE_STAGE,
    "stages I and II": MIL,
    "+ SPSD in II, without ω": {"use_sisd": "false", "spsd_modules": "0", "weight_by_omega": "false"},
    "+ SPSD in II": {"use_sisd": "false", "spsd_modules": "0"},
    "+ SPSD in I and II": {"use_sisd": "false"},
    "+ SISD without ORE": {"object_relevance": "none"},
    "+ SISD, ORE adds (the method)": {},
    "ORE subtracts": {"object_relevance": "subtract"},
    "ORE concatenates": {"object_relevance": "concatenate"},
    "SISD shares the fully connected layers": {"share_sisd_fcs": "true"},
    "three SPSD modules": {"spsd_modules": "2"},
    "one SPSD module": {"spsd_modules": "0"},
    "ORE with a layer": {"object_relevance": "layer"},
    "bags B and C judged anew": {"revalidate": "true"},
    "bag C sampled around r1": {"resample": "true"},
    "merging by agreement": {"merging": "agreement"},
    "exclusive merging": {"merging": "exclusive"},
    "exclusive merging, fitted sampler (the default)": {"merging": "exclusive", "sampler": "auto"},
}
BAGS = [f"bag_{bag}_{kind}" for bag in "abc" for kind in ("mean", "best", "top10")]
FAILURES = ("drift", "group", "part")


def run_row(folder: Path, settings: dict[str, str], chosen: argparse.Namespace) -> None:
    data = [f"--data.annotations={chosen.annotations}", f"--data.image_root={chosen.image_root}"]
    model = [f"--model.{name}={value}" for name, value in {**PUBLISHED, **settings}.items()]
    checkpoint, refined = folder / "checkpoints" / "last.ckpt", folder / "refined.json"
    commands = [
        ["fit", f"--config={CONFIG}", *data, *chosen.words, *model, f"--trainer.default_root_dir={folder}"],
        [
            "refine-annotations",
            f"--config={folder / 'config.yaml'}",
            f"--checkpoint={checkpoint}",
            f"--output={refined}",
            "--overwrite",
            "--calibration_images=0",
        ],
        ["compare-annotations", str(refined), f"--reference={chosen.reference}", f"--output={folder / 'quality.json'}"],
    ]
    for name in ("refined.json", "quality.json"):  # of an attempt that was stopped
        (folder / name).unlink(missing_ok=True)
    for words in commands:
        subprocess.run([sys.executable, "-P", "-m", "ssd_det", *words], check=True)


def figures(folder: Path) -> list[str]:
    after = json.loads((folder / "quality.json").read_text())["after"]
    with (folder / "metrics.csv").open(newline="") as file:
        last = [row for row in csv.DictReader(file) if row["bag_a_mean"]][-1]
    count = after["all"]["count"]
    failures = [f"{after['failures'][kind] / count:.1%}" for kind in FAILURES]
    bags = [f"{float(last[name]):.3f}" if last.get(name) else "-" for name in BAGS]
    grouped = [", ".join(bags[start : start + 3]) for start in (0, 3, 6)]
    return [f"{after['all']['mean_iou']:.3f}", f"{after['all']['above_75']:.3f}", ", ".join(failures), *grouped]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", required=True, help="noisy boxes")
    parser.add_argument("--reference", required=True, help="the same with true boxes")
    parser.add_argument("--image_root", required=True)
    parser.add_argument("--output", type=Path, required=True, help="gets a folder a row")
    parser.add_argument("--rows", type=int, nargs="+", default=range(1, len(ROWS) + 1), help="numbers, all by default")
    parser.add_argument("words", nargs="*", help="for every fit")
    chosen = parser.parse_args()
    folders = {name: chosen.output / f"{number:02d}" for number, name in enumerate(ROWS, start=1)}
    for number, (name, settings) in enumerate(ROWS.items(), start=1):
        if number in chosen.rows and not (folders[name] / "quality.json").is_file():
            run_row(folders[name], settings, chosen)
    print("| | mean IoU | > 0.75 | drift, group, part | bag A: mean, best, top 10 | bag B | bag C |")
    print("|---|---|---|---|---|---|---|")
    for name, folder in folders.items():
        if (folder / "quality.json").is_file():
            print("|", " | ".join([name, *figures(folder)]), "|")


if __name__ == "__main__":
    main()
