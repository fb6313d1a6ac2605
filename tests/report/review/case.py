"""A small refined file with images, names that a page must escape among them."""

import json

import numpy as np
from PIL import Image

NAMES = ['a "b" <i>\'.png', "ä/ö &amp;.png", "missing.png"]
CATEGORIES = ["<script>alert(1)</script>", "Katze 🐈"]


def write_case(folder, images=3, each=3, with_truth=False):
    """``refined.json`` and ``images/`` below ``folder``; the last of three images is missing.

    The first annotation of each image was left as it was; the others moved, the last of the last image most.
    """
    (folder / "images" / "ä").mkdir(parents=True)
    names = NAMES[:images] + [f"{number}.png" for number in range(3, images)]
    for number, name in enumerate(names):
        if name != "missing.png":
            pixels = np.random.default_rng(number).integers(0, 255, (60, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name)
    annotations = []
    for image in range(images):
        for number in range(each):
            place = len(annotations)
            entry = {"id": 10 + place, "image_id": image, "category_id": place % 2, "bbox": [8, 10, 20, 30]}
            if number:
                moved = {"original_bbox": [8 + place, 10, 20, 30], "refine_score": round(0.9 - place / 100, 2)}
                entry = {**entry, "area": 600, **moved, "refine_iou": 0.5}
            if with_truth:
                entry["true_bbox"] = [8, 10, 20, 28]
            annotations.append(entry)
    content = {
        "images": [{"id": i, "file_name": name, "width": 80, "height": 60} for i, name in enumerate(names)],
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for i, name in enumerate(CATEGORIES)],
    }
    path = folder / "refined.json"
    path.write_text(json.dumps(content))
    return path


def content_of(page):
    """What a page was given to show."""
    text = (page / "review_files" / "content.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.content = ").removesuffix(";\n"))
