"""COCO as a Pascal VOC folder."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from ssd_det.annotations.coco import Annotation, CocoFile, Image
from ssd_det.annotations.formats.voc_xml import CORNERS, FLAGS
from ssd_det.errors import InputError

DECIMALS = 9
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def voc_files(
    coco: CocoFile,
    places: Mapping[int, str],
    annotations: Mapping[int, Sequence[Annotation]],
    unheld: Counter[str],
) -> dict[str, bytes]:
    """The xml files, and a list of all images; see :func:`ssd_det.annotations.formats.yolo_export.yolo_files`.

    Raises:
        InputError: if two images would have the same xml file, or a name cannot be in xml.
    """
    names = {category.id: category.name for category in coco.categories}
    used = {names[a.category_id] for chosen in annotations.values() for a in chosen}
    read_as = {name: number for number, name in enumerate(sorted(used), start=1)}
    unheld["categories without objects"] += sum(name not in used for name in names.values())
    unheld["ids of categories"] += sum(read_as.get(name, key) != key for key, name in names.items())
    files: dict[str, bytes] = {}
    stems = []
    for image_id, place in places.items():
        name = PurePosixPath(place).relative_to("JPEGImages")
        stem = name.with_suffix("").as_posix()
        stems.append(stem)
        path = f"Annotations/{stem}.xml"
        if path in files:
            raise InputError(f"{coco.path}: image {image_id}: {name} would have the xml file of another: rename one.")
        top = _image_element(coco.image_by_id[image_id], name.as_posix())
        for annotation in annotations[image_id]:
            _add_object(top, coco, annotation, names[annotation.category_id])
        if NOT_IN_XML.search("".join(top.itertext())):
            raise InputError(f"{coco.path}: image {image_id}: a name has characters that xml cannot hold: correct it.")
        ElementTree.indent(top)
        files[path] = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True) + b"\n"
    files["ImageSets/Main/trainval.txt"] = "".join(f"{stem}\n" for stem in stems).encode()
    return files


def _image_element(image: Image, name: str) -> ElementTree.Element:
    top = ElementTree.Element("annotation")
    ElementTree.SubElement(top, "filename").text = name
    size = ElementTree.SubElement(top, "size")
    ElementTree.SubElement(size, "width").text = str(image.width)
    ElementTree.SubElement(size, "height").text = str(image.height)
    ElementTree.SubElement(size, "depth").text = "3"
    return top


def _add_object(top: ElementTree.Element, coco: CocoFile, annotation: Annotation, name: str) -> None:
    entry = coco.entry(annotation)
    thing = ElementTree.SubElement(top, "object")
    ElementTree.SubElement(thing, "name").text = name
    if isinstance(entry.get("pose"), str):
        ElementTree.SubElement(thing, "pose").text = entry["pose"]
    for flag in FLAGS:
        if entry.get(flag) is not None:
            ElementTree.SubElement(thing, flag).text = str(int(bool(entry[flag])))
    x, y, width, height = annotation.bbox
    box = ElementTree.SubElement(thing, "bndbox")
    for corner, value in zip(CORNERS, (x + 1, y + 1, x + width + 1, y + height + 1), strict=True):
        ElementTree.SubElement(box, corner).text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
