#!/bin/bash
# datumaro 1.13.12 rounds the coordinates of boxes to two decimals when it reads them, and numbers in COCO files that it writes, so
# a COCO file that went through it has other boxes: 10.125 pixels become 10.12. Areas are computed from the rounded sides, and
# without rounding. Its COCO files have no attributes if there were none, and segmentation [].
#
# Seen: bbox [5.25, 6.5, 20.5, 10.12], area 207.46...
#
# Run by hand: it needs a package index. It ends with an error where the behaviour is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q datumaro==1.13.12
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
from pathlib import Path

from datumaro import Dataset
from PIL import Image

Path("in/images/train").mkdir(parents=True)
Path("in/annotations").mkdir()
Image.new("RGB", (64, 48)).save("in/images/train/a.png")
box = [5.25, 6.5, 20.5, 10.125]
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": box, "area": 207.5625, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "dog"}],
}
Path("in/annotations/instances_train.json").write_text(json.dumps(content))
Dataset.import_from("in", "coco").export("out", "coco_instances")
(annotation,) = json.loads(Path("out/annotations/instances_train.json").read_text())["annotations"]
print(annotation)
assert annotation["bbox"] == [5.25, 6.5, 20.5, 10.12]
assert abs(annotation["area"] - 20.5 * 10.12) < 1e-4
PYTHON
