"""Turning a Pascal VOC tree (a folder of a VOCdevkit) into a COCO annotation file."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from ssd_det.errors import InputError

FLAGS = ("difficult", "truncated", "occluded")
CORNERS = ("xmin", "ymin", "xmax", "ymax")


def convert_voc_tree(root: str | Path, split: str) -> dict[str, Any]:
    """Read a split of a Pascal VOC tree as COCO.

    Corners are 1-based in VOC and 0-based in COCO: 1 is taken off all four, and the width is xmax − xmin. The
    categories are those of all xml files of the tree, by name, so that all splits of a tree have the same.

    Args:
        root: the folder that holds ``Annotations``, ``ImageSets/Main`` and ``JPEGImages``.
        split: name of a list in ``ImageSets/Main``, ``trainval`` or ``test`` as a rule.

    Returns:
        The content of a COCO file. Each annotation keeps ``difficult``, ``truncated``, ``occluded`` and ``pose`` as
        far as its object has them; file names start from ``JPEGImages``.

    Raises:
        InputError: if a file is missing, is not the xml of VOC, or has a box or size that is none.
    """
    root = Path(root)
    listing = root / "ImageSets" / "Main" / f"{split}.txt"
    for path in (listing, root / "Annotations"):
        if not path.exists():
            raise InputError(f"{path}: is not there: give the folder that holds Annotations, ImageSets and JPEGImages.")
    names = _listed(listing)
    if not names:
        raise InputError(f"{listing}: lists no images: give a split that has some.")
    categories = _category_ids(root / "Annotations")
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for image_id, name in enumerate(names, start=1):
        path = root / "Annotations" / f"{name}.xml"
        tree = _read(path)
        images.append(
            {
                "id": image_id,
                "file_name": (tree.findtext("filename") or "").strip() or f"{name}.jpg",
                "width": _pixels(path, tree, "size/width"),
                "height": _pixels(path, tree, "size/height"),
            }
        )
        for entry in tree.findall("object"):
            annotation = _annotation(path, entry, categories)
            annotations.append({"id": len(annotations) + 1, "image_id": image_id, **annotation})
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
    }


def _listed(listing: Path) -> list[str]:
    """The names in a list, each once, in its order."""
    try:
        lines = listing.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{listing}: cannot be read ({error}): give a list of image names.") from None
    return list(dict.fromkeys(line.split()[0] for line in lines if line.strip()))


def _category_ids(folder: Path) -> dict[str, int]:
    """A number from 1 up for each class, in the order of the names."""
    names = {_name(path, entry) for path in sorted(folder.glob("*.xml")) for entry in _read(path).findall("object")}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


def _read(path: Path) -> ElementTree.Element:
    """Read an xml file. One that declares entities is refused: they can grow without bound."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: add it, or take its name out of the split.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    if b"<!ENTITY" in content:
        raise InputError(f"{path}: declares entities, which no VOC file needs: remove them.")
    try:
        return ElementTree.fromstring(content)
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise InputError(f"{path}: is not xml ({error}): replace the file.") from None


def _annotation(path: Path, entry: ElementTree.Element, categories: dict[str, int]) -> dict[str, Any]:
    x1, y1, x2, y2 = (_number(path, entry, f"bndbox/{corner}") - 1 for corner in CORNERS)
    if x2 < x1 or y2 < y1:
        corners = ", ".join(f"{corner} {_number(path, entry, f'bndbox/{corner}')}" for corner in CORNERS)
        raise InputError(f"{path}: the box of {_name(path, entry)} has its corners swapped: {corners}: swap them.")
    flags = {flag: int(_number(path, entry, flag)) for flag in FLAGS if entry.find(flag) is not None}
    pose = entry.findtext("pose")
    return {
        "category_id": categories[_name(path, entry)],
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        **flags,
        **({} if pose is None else {"pose": pose}),
    }


def _name(path: Path, entry: ElementTree.Element) -> str:
    name = (entry.findtext("name") or "").strip()
    if not name:
        raise InputError(f"{path}: an object has no name: give it one.")
    return name


def _number(path: Path, element: ElementTree.Element, place: str) -> float:
    """A finite number, whole where it has no fraction."""
    text = element.findtext(place)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{path}: {place} is {text or 'missing'}: give a number.")
    return int(value) if value.is_integer() else value


def _pixels(path: Path, element: ElementTree.Element, place: str) -> int:
    """A side of an image."""
    value = _number(path, element, place)
    if not isinstance(value, int) or value < 1:
        raise InputError(f"{path}: {place} is {value}: give a whole number from 1 up.")
    return value


def count_flags(annotations: Iterable[dict[str, Any]]) -> dict[str, int]:
    """How many annotations have each flag set."""
    entries = list(annotations)
    return {flag: sum(bool(entry.get(flag)) for entry in entries) for flag in FLAGS}
