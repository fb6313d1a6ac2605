"""Turning annotations into another format, and counting what it cannot hold."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ssd_det.annotations import rotation
from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.entries import moved, with_annotations
from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.image_headers import name_below
from ssd_det.annotations.formats.table import FORMATS, FormatName
from ssd_det.annotations.image_files import missing_images_error, resolve_images
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import normal
from ssd_det.annotations.values import AREA_TOLERANCE, first_of
from ssd_det.errors import InputError

BASIC_KEYS = ("id", "image_id", "category_id", "bbox", "area", "iscrowd")
IMAGE_KEYS = ("id", "file_name", "width", "height")


@dataclass(frozen=True)
class Converted:
    """Annotations in another format.

    Attributes:
        images: how many are written.
        annotations: how many are written.
        dropped: how many things of each kind the format does not hold.
        content: of a COCO json file; ``None`` for folders.
        files: of a folder, by their paths below it.
        links: to the images of a folder, by their paths below it.
    """

    images: int
    annotations: int
    dropped: Counter[str]
    content: JsonObject | None = None
    files: dict[str, bytes] = field(default_factory=dict)
    links: dict[str, Path] = field(default_factory=dict)


def convert(coco: CocoFile, target: FormatName, image_root: str | Path) -> Converted:
    """Turn annotations into another format.

    In a folder, images are below the folder that its format has for them, with the folders that they have below
    ``image_root``. The objects of all entries of one image file are in its one label file. Crowd boxes, and boxes
    without area, are left out.

    Args:
        coco: the annotations.
        target: the format.
        image_root: the folder of the images.

    Raises:
        InputError: if images are missing, several would share a label file, or the entries of an image file contradict
            each other.
    """
    target_format = FORMATS[target]
    dropped = Counter(coco.source.dropped) if coco.source else Counter[str]()
    if not isinstance(target_format, FolderFormat):
        return Converted(len(coco.images), len(coco.annotations), dropped, coco.content)
    files_of_images, missing = resolve_images(coco, image_root)
    if missing:
        raise missing_images_error(coco, image_root, missing)
    paths = _image_paths(coco, files_of_images, Path(image_root), target_format.image_folder)
    first_of = _first_entries(coco, files_of_images)
    images = [image for image in coco.images if first_of[image.id] == image.id]
    images.sort(key=lambda image: target_format.reading_order(PurePosixPath(paths[image.id])))
    reasons = {a.id: _why_left_out(a, coco.image_by_id[a.image_id], target_format) for a in coco.annotations}
    written: dict[int, list[Annotation]] = {image.id: [] for image in images}
    for annotation in coco.annotations:
        if not reasons[annotation.id]:
            written[first_of[annotation.image_id]].append(annotation)
    folder = target_format.export(coco, {image.id: paths[image.id] for image in images}, written)
    dropped.update(f"{reason}, left out" for reason in reasons.values() if reason)
    dropped.update(_dropped_keys(coco, target_format.kept_keys))
    dropped.update(_dropped_ids(images, written))
    dropped["further entries of the same image file"] += len(coco.images) - len(images)
    dropped.update(folder.dropped)
    links = {path: files_of_images[image_id] for image_id, path in paths.items()}
    return Converted(len(images), sum(map(len, written.values())), +dropped, files=folder.files, links=links)


def like_content(model: CocoFile, coco: CocoFile) -> JsonObject:
    """The content of a folder with the boxes that another file has for its annotations.

    Raises:
        InputError: if the file has other annotations, or images of other sizes, or ``model`` is not a folder.
    """
    if model.source is None:
        raise InputError(f"{model.path}: is a COCO json file: give a YOLO folder or a Pascal VOC folder as like.")
    by_id = {annotation.id: annotation for annotation in coco.annotations}
    ids = {a.id for a in model.annotations}
    if by_id.keys() < ids:
        raise InputError(
            f"{coco.path}: lacks annotations of {model.path}: {first_of(sorted(ids - by_id.keys()))}: "
            f"give the folder that it was made from, or --to yolo or voc instead of --like for a new one."
        )
    different = ids ^ by_id.keys()
    if different:
        raise InputError(
            f"{coco.path}: has other annotation ids than {model.path}: {first_of(sorted(different))}: "
            f"give the folder that it was made from."
        )
    for a in model.annotations:
        _check_same_size(model.image_by_id[a.image_id], coco.image_by_id[by_id[a.id].image_id], model, coco)
    entries = {a.position: moved(model.entry(a), coco.entry(by_id[a.id])["bbox"]) for a in model.annotations}
    return with_annotations(model, entries)


def _check_same_size(there: Image, here: Image, model: CocoFile, coco: CocoFile) -> None:
    if (there.width, there.height) != (here.width, here.height):
        raise InputError(
            f"{coco.path}: image {here.id} is {here.width}x{here.height}, but {there.width}x{there.height} in "
            f"{model.path}: give the folder that it was made from, or correct its size and boxes."
        )


def _first_entries(coco: CocoFile, files: Mapping[int, Path]) -> dict[int, int]:
    """The first image entry of the file of each image, by image id: some exports write an entry for each box.

    Raises:
        InputError: if the entries of a file differ in size, or are files of their own, which may be of other pictures.
    """
    first_of_file: dict[Path, Image] = {}
    for image in coco.images:
        first = first_of_file.setdefault(files[image.id], image)
        where = f"{coco.path}: images {first.id} and {image.id} are both {image.file_name}"
        if coco.source is not None and image is not first:
            raise InputError(f"{where}: name the picture of each in its own file.")
        if (first.width, first.height) != (image.width, image.height):
            sizes = f"{first.width}x{first.height} and {image.width}x{image.height}"
            raise InputError(f"{where}, with the sizes {sizes}: correct file_name or the size of one.")
    return {image.id: first_of_file[files[image.id]].id for image in coco.images}


def _image_paths(coco: CocoFile, files: Mapping[int, Path], image_root: Path, image_folder: str) -> dict[int, str]:
    """The path of each image below the new folder, by image id."""
    names = {key: name_below(normal(file), normal(image_root), coco.path) for key, file in files.items()}
    for prefix in [f"{f.image_folder}/" for f in FORMATS.values() if isinstance(f, FolderFormat)]:
        if all(name.startswith(prefix) for name in names.values()):  # the images of a folder in that format
            names = {key: name.removeprefix(prefix) for key, name in names.items()}
    return {key: f"{image_folder}/{name}" for key, name in names.items()}


def _why_left_out(annotation: Annotation, image: Image, target: FolderFormat) -> str | None:
    if annotation.crowd:
        return "crowd boxes"
    if min(annotation.bbox[2:]) <= 0:
        return "boxes without area"
    return target.why_left_out(annotation, image)


def _dropped_keys(coco: CocoFile, kept_keys: Sequence[str]) -> Counter[str]:
    """Count the keys with a value that the other format does not hold."""
    counts: Counter[str] = Counter()
    known_keys = (*BASIC_KEYS, *kept_keys, rotation.KEY)
    for annotation in coco.annotations:
        entry = coco.entry(annotation)
        counts.update(key for key, value in entry.items() if key not in known_keys and _says_something(value))
        counts["rotations of boxes"] += annotation.rotated
        area = entry.get("area")
        width, height = annotation.bbox[2:]
        if isinstance(area, int | float) and not math.isclose(
            area, width * height, rel_tol=AREA_TOLERANCE, abs_tol=1e-6
        ):
            counts["areas of their own"] += 1
    counts.update(f"{key} of images" for entry in coco.content["images"] for key in entry if key not in IMAGE_KEYS)
    counts.update(
        f"{key} of categories" for entry in coco.content["categories"] for key in entry if key not in ("id", "name")
    )
    counts.update(key for key in coco.content if key not in ("images", "annotations", "categories"))
    return counts


def _dropped_ids(images: Sequence[Image], written: Mapping[int, Sequence[Annotation]]) -> Counter[str]:
    """Count the ids that will differ when the new folder is read; images in the order in which they are read."""
    annotations = [annotation for image in images for annotation in written[image.id]]
    return Counter(
        {
            "ids of images": sum(image.id != number for number, image in enumerate(images, start=1)),
            "ids of annotations": sum(a.id != number for number, a in enumerate(annotations, start=1)),
        }
    )


def _says_something(value: object) -> bool:
    return value not in (None, 0, "", [], {})
