#!/bin/bash
# labelformat 0.1.17 writes COCO files whose annotations have no id, area or iscrowd, only image_id, category_id and bbox, even if
# the COCO file that it read has them. It reads such files itself, but pycocotools 2.0.11 does not: its index is by the id of
# annotations.
#
# Seen: keys ['bbox', 'category_id', 'image_id']; pycocotools: KeyError 'id'.
#
# Run by hand: it needs a package index. It ends with an error where the behaviour is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q labelformat==0.1.17 pycocotools==2.0.11
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
from pathlib import Path

from labelformat.formats import COCOObjectDetectionInput, COCOObjectDetectionOutput
from pycocotools.coco import COCO

content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "annotations": [{"id": 7, "image_id": 1, "category_id": 1, "bbox": [5, 7, 20, 10], "area": 200, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "dog"}],
}
Path("in.json").write_text(json.dumps(content))
COCO("in.json")
COCOObjectDetectionOutput(Path("out.json")).save(COCOObjectDetectionInput(Path("in.json")))
(annotation,) = json.loads(Path("out.json").read_text())["annotations"]
print(sorted(annotation))
assert sorted(annotation) == ["bbox", "category_id", "image_id"]
try:
    COCO("out.json")
except KeyError as error:
    print("pycocotools: KeyError", error)
    assert error.args == ("id",)
else:
    raise SystemExit("pycocotools reads it now")
PYTHON
