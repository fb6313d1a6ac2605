#!/bin/bash
# datumaro 1.13.12 reads the annotations of the COCO category 0 without a class, with a warning: 0 stands for no class there,
# unless the category is called background. Files whose categories count from 0 are common: labelformat and others write them.
#
# Seen: labels [None, 1]; a COCO file written from it has the categories 1 (dog) and 2 (cat), and annotations of 0 and 2: the dog
# is of a category that is not there.
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

from datumaro import AnnotationType, Dataset
from PIL import Image

Path("in/images/train").mkdir(parents=True)
Path("in/annotations").mkdir()
Image.new("RGB", (64, 48)).save("in/images/train/a.png")
entry = {"image_id": 1, "area": 200, "iscrowd": 0, "segmentation": []}
content = {
    "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 48}],
    "annotations": [
        {**entry, "id": 1, "category_id": 0, "bbox": [5, 7, 20, 10]},
        {**entry, "id": 2, "category_id": 1, "bbox": [30, 7, 20, 10]},
    ],
    "categories": [{"id": 0, "name": "dog"}, {"id": 1, "name": "cat"}],
}
Path("in/annotations/instances_train.json").write_text(json.dumps(content))
data = Dataset.import_from("in", "coco")
names = [label.name for label in data.categories()[AnnotationType.label]]
(item,) = data
labels = [annotation.label for annotation in sorted(item.annotations, key=lambda annotation: annotation.id)]
data.export("out", "coco_instances")
written = json.loads(Path("out/annotations/instances_train.json").read_text())
ids = [entry["category_id"] for entry in sorted(written["annotations"], key=lambda entry: entry["id"])]
print(names, labels, written["categories"], ids)
assert names == ["dog", "cat"]
assert labels == [None, 1]
assert [category["id"] for category in written["categories"]] == [1, 2]
assert ids == [0, 2]
PYTHON
