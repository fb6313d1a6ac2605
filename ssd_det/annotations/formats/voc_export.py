"""COCO as a Pascal VOC folder."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from xml.etree import ElementTree

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.formats.annotation_format import FolderContent
from ssd_det.annotations.formats.voc_file import CORNERS, FLAGS
from ssd_det.annotations.formats.voc_layout import ANNOTATIONS, IMAGES, LISTS
from ssd_det.annotations.values import is_number, is_set
from ssd_det.errors import InputError

DECIMALS = 9
NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def export_voc(
    coco: CocoFile, image_paths: Mapping[int, str], annotations: Mapping[int, Sequence[Annotation]]
) -> FolderContent:
    """The xml files, and a list of all images.

    Args:
        coco: the annotations.
        image_paths: of the images below the new folder, by image id.
        annotations: those to write, by image id.

    Raises:
        InputError: if two images would have the same xml file, or a name cannot be in xml.
    """
    names = {category.id: category.name for category in coco.categories}
    used_ids = {a.category_id for of_image in annotations.values() for a in of_image}
    used = {names[key] for key in used_ids}
    read_as = {name: number for number, name in enumerate(sorted(used), start=1)}
    dropped = Counter(
        {
            "categories without objects": sum(name not in used for name in names.values()),
            "categories that others are called like": len(used_ids) - len({name.strip() for name in used}),
            "blanks around names of categories": sum(name != name.strip() for name in used),
            "ids of categories": sum(read_as.get(name, key) != key for key, name in names.items()),
        }
    )
    files: dict[str, bytes] = {}
    stems = []
    for image_id, image_path in image_paths.items():
        name = PurePosixPath(image_path).relative_to(IMAGES)
        stem = name.with_suffix("").as_posix()
        stems.append(stem)
        path = f"{ANNOTATIONS}/{stem}.xml"
        if path in files:
            raise InputError(f"{coco.path}: image {image_id}: {name} would have the xml file of another: rename one.")
        top = _image_element(coco.image_by_id[image_id], name.as_posix())
        for annotation in annotations[image_id]:
            _add_object(top, coco, annotation, names[annotation.category_id])
        if NOT_IN_XML.search("".join(top.itertext())):
            raise InputError(f"{coco.path}: image {image_id}: a name has characters that xml cannot hold: correct it.")
        ElementTree.indent(top)
        files[path] = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True) + b"\n"
    files[f"{LISTS}/Main/trainval.txt"] = "".join(f"{stem}\n" for stem in stems).encode()
    return FolderContent(files, dropped)


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
    element = ElementTree.SubElement(top, "object")
    ElementTree.SubElement(element, "name").text = name
    if isinstance(entry.get("pose"), str):
        ElementTree.SubElement(element, "pose").text = entry["pose"]
    for flag in FLAGS:
        if entry.get(flag) is not None:
            value = entry[flag]
            ElementTree.SubElement(element, flag).text = str(value if is_number(value) else int(is_set(value)))
    x, y, width, height = annotation.bbox
    box = ElementTree.SubElement(element, "bndbox")
    for corner, value in zip(CORNERS, (x + 1, y + 1, x + width + 1, y + height + 1), strict=True):
        ElementTree.SubElement(box, corner).text = f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")
