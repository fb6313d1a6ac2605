"""A VOCdevkit tree made from a COCO file, so small that a training step on it takes no time."""

import json
from xml.etree import ElementTree

import cv2


def make_voc_tree(root, demo, splits, suffix="jpg"):
    """Write ``root`` in the layout of VOCdevkit/VOC2007.

    Args:
        root: the folder to make.
        demo: a folder with COCO files and ``images``.
        splits: by the name of the list the name of the COCO file.
        suffix: of the images.
    """
    for name in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / name).mkdir(parents=True)
    for split, file in splits.items():
        content = json.loads((demo / file).read_text())
        names = {entry["id"]: entry["name"] for entry in content["categories"]}
        stems = []
        for image in content["images"]:
            stem = f"{image['id']:06d}"
            stems.append(stem)
            pixels = cv2.imread(str(demo / "images" / image["file_name"]))
            assert cv2.imwrite(str(root / "JPEGImages" / f"{stem}.{suffix}"), pixels)
            entries = [entry for entry in content["annotations"] if entry["image_id"] == image["id"]]
            write_xml(root / "Annotations" / f"{stem}.xml", f"{stem}.{suffix}", image, entries, names)
        (root / "ImageSets" / "Main" / f"{split}.txt").write_text("".join(f"{stem}\n" for stem in stems))


def write_xml(path, file_name, image, entries, names):
    """Write the annotations of an image: corners from 1 up, every other object difficult."""
    top = ElementTree.Element("annotation")
    ElementTree.SubElement(top, "filename").text = file_name
    size = ElementTree.SubElement(top, "size")
    for key in ("width", "height"):
        ElementTree.SubElement(size, key).text = str(image[key])
    for index, entry in enumerate(entries):
        element = ElementTree.SubElement(top, "object")
        ElementTree.SubElement(element, "name").text = names[entry["category_id"]]
        ElementTree.SubElement(element, "pose").text = "Left"
        ElementTree.SubElement(element, "truncated").text = str(index % 3 % 2)
        ElementTree.SubElement(element, "difficult").text = str(index % 2)
        x, y, width, height = entry["bbox"]
        box = ElementTree.SubElement(element, "bndbox")
        for key, value in zip(("xmin", "ymin", "xmax", "ymax"), (x, y, x + width, y + height), strict=True):
            ElementTree.SubElement(box, key).text = str(round(value) + 1)
    ElementTree.ElementTree(top).write(path)
