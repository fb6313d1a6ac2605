"""What correcting a file by trusted boxes takes beyond reading and writing it, in seconds of processors.

    python -m benchmarks.correcting

The files are those of ``benchmarks.annotation_files``: 80 categories, as many annotations an image as COCO train2017
has. The trusted boxes are all a tenth wider and higher than those of the file, so that all others are moved.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.annotation_files import draw
from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.corrected import corrected_content
from ssd_det.annotations.trusted import match_trusted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100_000, help="annotations")
    parser.add_argument("--trusted", type=int, default=50, help="trusted boxes, from the first annotation on")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    settings = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        noisy, trusted = (Path(temporary) / name for name in ("noisy.json", "trusted.json"))
        content = draw(settings.count, settings.seed)
        noisy.write_text(json.dumps(content))
        checked = [{**entry, "bbox": _wider(entry["bbox"])} for entry in content["annotations"][: settings.trusted]]
        trusted.write_text(json.dumps({**content, "annotations": checked}))
        coco, true = read_coco(noisy), read_coco(trusted)
    seconds = []
    for _ in range(settings.runs):
        start = time.process_time()
        _, correction = corrected_content(coco, match_trusted(coco, true).boxes)
        seconds.append(time.process_time() - start)
    print(f"Python {platform.python_version()}, {settings.count} annotations, {correction.trusted} trusted")
    print(f"{correction.corrected} corrected in {statistics.median(seconds):.2f} s, the median of {settings.runs} runs")


def _wider(box: list[float]) -> list[float]:
    x, y, width, height = box
    return [x, y, width * 1.1, height * 1.1]


if __name__ == "__main__":
    main()
