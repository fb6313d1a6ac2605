"""Turning annotations into another format, and counting what it cannot hold."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ssd_det.annotations.coco import Annotation, CocoFile, Image
from ssd_det.annotations.entries import moved, with_annotations
from ssd_det.annotations.formats.image_headers import name_below
from ssd_det.annotations.formats.recognise import Format
from ssd_det.annotations.formats.voc_export import voc_files
from ssd_det.annotations.formats.yolo import COLUMNS_KEY
from ssd_det.annotations.formats.yolo_export import DECIMALS, yolo_files
from ssd_det.annotations.formats.yolo_labels import numbers_of
from ssd_det.annotations.image_files import missing_images_error, resolve_images
from ssd_det.annotations.paths import normal
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError

IMAGE_FOLDERS = {"yolo": "images", "voc": "JPEGImages"}
BASIC_KEYS = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
KEYS = {"yolo": (COLUMNS_KEY,), "voc": ("difficult", "truncated", "occluded", "pose")}
IMAGE_KEYS = ("id", "file_name", "width", "height")


@dataclass(frozen=True)
class Converted:
    """Annotations in another format.

    Attributes:
        annotations: how many.
        unheld: how many things of each kind could not be kept.
        content: of a COCO file; empty for others.
        files: of a folder, by their places.
        links: to the images, by their places in the folder.
    """

    annotations: int
    unheld: Counter[str]
    content: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, Path] = field(default_factory=dict)


def convert(coco: CocoFile, target: Format, image_root: str | Path) -> Converted:
    """Turn annotations into another format.

    YOLO: classes are numbered from 0 in the order of the categories. Images go below ``images`` or ``JPEGImages``, with
    the folders that they have below ``image_root``. Crowd boxes are left out, as is a box that has no area.

    Args:
        coco: the annotations.
        target: the format.
        image_root: the folder of the images.

    Raises:
        InputError: if images are missing, or several would share a label file.
    """
    unheld = Counter(coco.source.unheld) if coco.source else Counter[str]()
    if target == "coco":
        return Converted(len(coco.annotations), unheld, coco.content)
    paths, missing = resolve_images(coco, image_root)
    if missing:
        raise missing_images_error(coco, image_root, missing)
    links = _places(coco, paths, Path(image_root), IMAGE_FOLDERS[target])
    suffix = ".xml" if target == "voc" else None  # folders are read in the order of their xml files, or images
    ordered = sorted(coco.images, key=lambda image: _order(links[image.id], suffix))
    reasons = {a.id: _reason_to_leave_out(a, coco.image_by_id[a.image_id], target) for a in coco.annotations}
    unheld.update(f"{reason}, left out" for reason in reasons.values() if reason)
    by_image = coco.annotations_by_image
    chosen = {image.id: [a for a in by_image.get(image.id, []) if not reasons[a.id]] for image in ordered}
    unheld.update(_unheld(coco, KEYS[target]))
    unheld.update(_unheld_ids(coco, ordered, chosen))
    write = yolo_files if target == "yolo" else voc_files
    files = write(coco, {image.id: links[image.id] for image in ordered}, chosen, unheld)
    count = sum(map(len, chosen.values()))
    return Converted(count, +unheld, files=files, links={links[key]: paths[key] for key in links})


def like_content(model: CocoFile, coco: CocoFile) -> dict[str, Any]:
    """The content of a folder with the boxes that another file has for its annotations.

    Raises:
        InputError: if the file has other annotations, or ``model`` is no folder.
    """
    if model.source is None:
        raise InputError(f"{model.path}: is a COCO json file: give a YOLO folder or a Pascal VOC folder as like.")
    others = {annotation.id: annotation for annotation in coco.annotations}
    different = {a.id for a in model.annotations} ^ set(others)
    if different:
        raise InputError(
            f"{coco.path}: has other annotation ids than {model.path}: {first_of(sorted(different))}: "
            f"give the folder that it was made from."
        )
    entries = {a.position: moved(model.entry(a), coco.entry(others[a.id])["bbox"]) for a in model.annotations}
    return with_annotations(model, entries)


def _places(coco: CocoFile, paths: Mapping[int, Path], root: Path, folder: str) -> dict[int, str]:
    """The place of each image below the new folder, by image id."""
    names = {key: name_below(normal(path), normal(root), coco.path) for key, path in paths.items()}
    for known in IMAGE_FOLDERS.values():  # as a folder of a format has it
        if all(name.startswith(f"{known}/") for name in names.values()):
            names = {key: name.removeprefix(f"{known}/") for key, name in names.items()}
    return {key: f"{folder}/{name}" for key, name in names.items()}


def _order(place: str, suffix: str | None) -> tuple[str, ...]:
    path = PurePosixPath(place)
    return (path.with_suffix(suffix) if suffix else path).parts


def _reason_to_leave_out(annotation: Annotation, image: Image, target: Format) -> str | None:
    if annotation.crowd:
        return "crowd boxes"
    if min(annotation.bbox[2:]) <= 0:
        return "boxes without area"
    if target == "yolo" and numbers_of(annotation.bbox, image, DECIMALS) is None:
        return "boxes outside of their image"
    return None


def _unheld(coco: CocoFile, keys: Sequence[str]) -> Counter[str]:
    """Count keys with a value that the other format has no place for."""
    counts: Counter[str] = Counter()
    for annotation in coco.annotations:
        entry = coco.entry(annotation)
        counts.update(key for key, value in entry.items() if key not in (*BASIC_KEYS, *keys) and _says_something(value))
        area = entry.get("area")
        width, height = annotation.bbox[2:]
        if isinstance(area, int | float) and not math.isclose(area, width * height, rel_tol=1e-4, abs_tol=1e-6):
            counts["areas of their own"] += 1
    counts.update(f"{key} of images" for entry in coco.content["images"] for key in entry if key not in IMAGE_KEYS)
    counts.update(
        f"{key} of categories" for entry in coco.content["categories"] for key in entry if key not in ("id", "name")
    )
    counts.update(key for key in coco.content if key not in ("images", "annotations", "categories"))
    return counts


def _unheld_ids(coco: CocoFile, ordered: Sequence[Image], chosen: Mapping[int, Sequence[Annotation]]) -> Counter[str]:
    """Count ids that are other ones when the new folder is read."""
    annotations = [annotation for image in ordered for annotation in chosen[image.id]]
    return Counter(
        {
            "ids of images": sum(image.id != number for number, image in enumerate(ordered, start=1)),
            "ids of annotations": sum(a.id != number for number, a in enumerate(annotations, start=1)),
        }
    )


def _says_something(value: object) -> bool:
    return value not in (None, 0, "", [], {})
