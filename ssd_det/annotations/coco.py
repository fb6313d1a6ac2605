"""Reading COCO annotation files as people have them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.annotation_columns import AnnotationColumns, Booleans, Integers, ids_of
from ssd_det.annotations.annotation_entries import check_objects, read_entries
from ssd_det.annotations.entries_on_demand import EntriesOnDemand
from ssd_det.annotations.json_files import JsonObject, read_json
from ssd_det.annotations.regular_entries import regular_images
from ssd_det.annotations.source import SourceFolder
from ssd_det.annotations.values import LEAST_SIDE, integer_of, text_of
from ssd_det.console import LARGE
from ssd_det.errors import InputError
from ssd_det.memory import collection_paused
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.id_rows import ABSENT, rows_of

LISTS = ("images", "annotations", "categories")


class Image(NamedTuple):
    """An entry of ``images``; the size is in pixels."""

    id: int
    file_name: str
    width: int
    height: int


class Category(NamedTuple):
    """An entry of ``categories``."""

    id: int
    name: str


@dataclass(frozen=True)
class CocoFile:
    """An annotation file: what was read, and what it means.

    Attributes:
        path: where it was read from.
        content: the json as it was read, with every key; never changed.
        images: in the file's order.
        annotations: in the file's order; those of a large json file are columns.
        categories: in the order of their ids.
        source: the folder of another format that the content was made from; ``None`` for a COCO json file.
    """

    path: Path
    content: JsonObject
    images: list[Image]
    annotations: Sequence[Annotation]
    categories: list[Category]
    source: SourceFolder | None = None

    @cached_property
    def image_by_id(self) -> dict[int, Image]:
        """Every image by its id."""
        return {image.id: image for image in self.images}

    @cached_property
    def columns(self) -> AnnotationColumns:
        """The annotations as columns."""
        return AnnotationColumns.of(self.annotations)

    def entry(self, annotation: Annotation) -> JsonObject:
        """An annotation as it stands in the file."""
        entry: JsonObject = self.content["annotations"][annotation.position]
        return entry

    @cached_property
    def annotations_by_image(self) -> dict[int, list[Annotation]]:
        """Annotations of each image that has any."""
        groups: dict[int, list[Annotation]] = {}
        for annotation in self.annotations:
            groups.setdefault(annotation.image_id, []).append(annotation)
        return groups

    def check_annotated(self) -> None:
        """Make sure that there are annotations.

        Raises:
            InputError: if there are none.
        """
        if not self.annotations:
            raise _none_of(self.path, "annotation")

    def why_fixed(self, annotation: Annotation) -> str | None:
        """Why a usable annotation cannot be given another box; ``None`` where it can."""
        if annotation.trusted:
            return "trusted"
        return self.source.fixed.get(annotation.position) if self.source else None

    @property
    def may_move(self) -> Booleans:
        """Which annotations can be given another box, ``[N]``; see :meth:`why_fixed`."""
        fixed = list(self.source.fixed) if self.source else []
        return ~(self.columns.trusted | np.isin(self.columns.position, fixed))

    def why_never_usable(self, annotation: Annotation) -> str | None:
        """Why an annotation could not be used, whatever its box was; ``None`` where it could."""
        image = self.image_by_id[annotation.image_id]
        whole = Xywh((0.0, 0.0, float(image.width), float(image.height)))
        return self.why_unusable(annotation._replace(bbox=whole))

    def count_usable(self) -> int:
        """Count the annotations that can be trained on or refined, at least one.

        Raises:
            InputError: if there is none.
        """
        usable = sum(self.why_unusable(annotation) is None for annotation in self.annotations)
        if not usable:
            raise InputError(
                f"{self.path}: no images with boxes: none of its {len(self.annotations)} annotations can be used "
                f"(all crowd, difficult, rotated, without area or outside their image): give a file with boxes."
            )
        return usable

    def why_unusable(self, annotation: Annotation) -> str | None:
        """Why an annotation can be neither trained on nor refined; ``None`` where it can."""
        if annotation.crowd:
            return "crowd"
        if annotation.difficult:
            return "difficult"
        if annotation.rotated:
            return "rotated"
        x, y, width, height = annotation.bbox
        if not annotation.measurable:
            return "no area"
        image = self.image_by_id[annotation.image_id]
        visible_width = min(x + width, image.width) - max(x, 0)
        visible_height = min(y + height, image.height) - max(y, 0)
        if min(visible_width, visible_height) < LEAST_SIDE:
            return "outside the image"
        return None


@collection_paused()
def read_coco(path: str | Path, may_be_empty: bool = False) -> CocoFile:
    """Read and check a COCO annotation file.

    ``info``, ``licenses``, ``area`` and ``iscrowd`` may be missing, ids may have gaps or start at 0, numbers
    may be integers or floats, and extra keys are kept.

    Args:
        path: of the file.
        may_be_empty: whether a file of images without any annotation will do.

    Raises:
        InputError: if the file is missing, is not json or not COCO, has no images or annotations, repeats an
            id, refers to an unknown image or category, or holds a box that is not 4 finite numbers.
    """
    path = Path(path)
    coco = parse_coco(path, read_content(path))
    if not may_be_empty:
        coco.check_annotated()
    return coco


def parse_coco(path: Path, content: JsonObject, source: SourceFolder | None = None) -> CocoFile:
    """Check the content of a COCO file, as :func:`read_coco` does; it may be without annotations.

    Args:
        path: what it was read from, for errors.
        content: with the lists ``images``, ``annotations`` and ``categories``.
        source: the folder of another format that it was made from.
    """
    check_objects(path, "images", content["images"])
    annotations, fault = read_entries(path, content["annotations"])
    check_objects(path, "categories", content["categories"])
    images = _images(path, content["images"])
    categories = sorted(_category(path, index, entry) for index, entry in enumerate(content["categories"]))
    if fault is not None:
        raise fault
    image_ids, category_ids = (np.array([entry.id for entry in kind], dtype=np.int64) for kind in (images, categories))
    for kind, ids in (("image", image_ids), ("category", category_ids), ("annotation", ids_of(annotations, "id"))):
        if not len(ids) and (kind == "image" or (kind == "category" and annotations)):
            raise _none_of(path, kind)
        _check_unique(path, kind, ids)
    _check_references(path, annotations, image_ids, category_ids)
    return CocoFile(path, content, images, annotations, categories, source)


def _none_of(path: Path, kind: str) -> InputError:
    return InputError(f"{path}: there are no {_plural(kind)}: give a file that has some.")


def _check_references(path: Path, annotations: Sequence[Annotation], images: Integers, categories: Integers) -> None:
    """Make sure that the images and categories that annotations refer to are in the file.

    Args:
        path: of the file.
        annotations: all of them.
        images: their ids.
        categories: their ids.

    Raises:
        InputError: if one is not.
    """
    lost_image = rows_of(ids_of(annotations, "image_id"), images) == ABSENT
    lost_category = rows_of(ids_of(annotations, "category_id"), categories) == ABSENT
    for row in np.flatnonzero(lost_image | lost_category)[:1].tolist():
        lost = annotations[row]
        kind, value = ("image", lost.image_id) if lost_image[row] else ("category", lost.category_id)
        raise InputError(
            f"{path}: annotation {lost.id}: {kind}_id {value} is not among the file's "
            f"{_plural(kind)}: add the {kind} or remove the annotation."
        )


def with_boxes(coco: CocoFile, boxes: Mapping[int, Xywh]) -> CocoFile:
    """A file as if it had other boxes, and only the images of these boxes; its content is not changed.

    Args:
        coco: the file.
        boxes: the other boxes, xywh, by annotation id. Other annotations of their images keep theirs.
    """
    images = {annotation.image_id for annotation in coco.annotations if annotation.id in boxes}
    annotations = [
        annotation._replace(bbox=boxes.get(annotation.id, annotation.bbox))
        for annotation in coco.annotations
        if annotation.image_id in images
    ]
    return replace(coco, images=[image for image in coco.images if image.id in images], annotations=annotations)


def read_content(path: Path) -> JsonObject:
    """The content of a COCO file, its lists unchecked; annotations of a large one stay text until they are asked for.

    Raises:
        InputError: if it is missing, is not json, or has no lists of images, annotations and categories.
    """
    is_large = path.is_file() and path.stat().st_size >= LARGE
    content = read_json(path, on_demand=["annotations"] if is_large else [])
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: is json but not COCO: the top level must be an object with the keys "
            f"images, annotations and categories."
        )
    for key in LISTS:
        if not isinstance(content.get(key), list | EntriesOnDemand):
            raise InputError(f"{path}: is json but not COCO: add the key {key}, a list.")
    return cast("JsonObject", content)


def _images(path: Path, entries: Sequence[JsonObject]) -> list[Image]:
    regular = regular_images(entries)
    if regular is not None:
        return [Image(image.id, image.file_name, image.width, image.height) for image in regular]
    return [_image(path, index, entry) for index, entry in enumerate(entries)]


def _image(path: Path, index: int, entry: JsonObject) -> Image:
    where = f"{path}: images[{index}]"
    image_id = integer_of(where, entry, "id")
    where = f"{path}: image {image_id}"
    file_name = text_of(where, entry, "file_name")
    width, height = (integer_of(where, entry, key) for key in ("width", "height"))
    if width < 1 or height < 1:
        raise InputError(f"{where}: its size is {width}x{height}: give width and height in pixels.")
    return Image(image_id, file_name, width, height)


def _category(path: Path, index: int, entry: JsonObject) -> Category:
    category_id = integer_of(f"{path}: categories[{index}]", entry, "id")
    return Category(category_id, text_of(f"{path}: category {category_id}", entry, "name"))


def _check_unique(path: Path, kind: str, ids: Integers) -> None:
    if (np.diff(np.sort(ids)) != 0).all():  # NumPy's unique takes fifty times as long
        return
    _, first = np.unique(ids, return_index=True)
    value = np.delete(ids, first)[0]
    raise InputError(f"{path}: {kind} id {value} is used more than once: give each {kind} its own id.")


def _plural(kind: str) -> str:
    return "categories" if kind == "category" else f"{kind}s"
