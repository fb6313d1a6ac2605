#!/bin/bash
# supervision 0.31.2 writes the two corners of a Pascal VOC box by different rules: as_pascal_voc adds 1 to xmin and ymin
# and leaves xmax and ymax, all rounded (halves to the even number), and from_pascal_voc subtracts 1 from xmin and ymin alone.
# A box of 20 pixels from x 5 to x 25 is xmin 6, xmax 25. A reader that subtracts 1 from all four corners, or from none,
# gets a box that is a pixel smaller.
#
# Seen: xmin 6, ymin 8, xmax 25, ymax 17; read again as [5, 7, 25, 17].
#
# Run by hand: it needs a package index. It ends with an error where the behaviour is another one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q supervision==0.31.2
cd "$folder"
venv/bin/python - <<'PYTHON'
import json
import re
from pathlib import Path

from PIL import Image
from supervision import DetectionDataset

Path("images").mkdir()
Image.new("RGB", (64, 48)).save("images/a.png")
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [5, 7, 20, 10], "area": 200, "iscrowd": 0}],
    "categories": [{"id": 1, "name": "dog"}],
}
Path("coco.json").write_text(json.dumps(content))
DetectionDataset.from_coco("images", "coco.json").as_pascal_voc("voc/images", "voc/annotations")
xml = Path("voc/annotations/a.xml").read_text()
corners = {key: int(re.search(f"<{key}>(.*)</{key}>", xml)[1]) for key in ("xmin", "ymin", "xmax", "ymax")}
(boxes,) = DetectionDataset.from_pascal_voc("voc/images", "voc/annotations").annotations.values()
print(corners, boxes.xyxy.tolist())
assert corners == {"xmin": 6, "ymin": 8, "xmax": 25, "ymax": 17}
assert boxes.xyxy.tolist() == [[5, 7, 25, 17]]
PYTHON
