"""A YOLO folder as COCO, and its label files with other boxes."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from ssd_det.annotations.coco import CocoFile, Image, parse_coco
from ssd_det.annotations.formats.image_headers import name_below, size_of
from ssd_det.annotations.formats.yolo_labels import Label, parse_labels, with_label_boxes
from ssd_det.annotations.formats.yolo_layout import SPLITS, Layout, read_layout, read_text
from ssd_det.annotations.paths import normal
from ssd_det.annotations.source import Rewritten, Source
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh

COLUMNS_KEY = "yolo_columns"


class LabelFile(NamedTuple):
    """A label file as it was read: its place below the folder, its bytes, lines and image, and the first position."""

    place: str
    content: bytes
    labels: list[Label]
    image: Image
    first: int


@dataclass(frozen=True)
class YoloSource(Source):
    """A YOLO folder.

    Attributes:
        layout: of the folder.
        label_files: those that exist and were asked for, in the order of the images.
        others: the other label files, which a copy of the folder needs as well.
    """

    layout: Layout = field(repr=False)
    label_files: list[LabelFile] = field(repr=False)
    others: list[Path] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.Source.rewritten`; what data.yaml says leads to the new folder."""
        files, kept = {} if folder == self.home else self._settings(folder), 0
        for file in self.label_files:
            own = {place: boxes[file.first + place] for place in range(len(file.labels)) if file.first + place in boxes}
            files[file.place], left = with_label_boxes(file.content, file.labels, own, file.image)
            kept += left
        return Rewritten(files, kept)

    def _settings(self, folder: Path) -> dict[str, bytes]:
        """What is not rewritten; no path in data.yaml and in listings of images leads to the folder any more."""
        layout = self.layout
        files = {file.relative_to(self.home).as_posix(): file.read_bytes() for file in self.others}
        files[layout.yaml.name] = _moved_yaml(layout, folder / layout.root.relative_to(layout.home))
        for path in layout.entries():
            if path.is_file():
                files[path.relative_to(layout.home).as_posix()] = _moved_listing(layout, path)
        return files


def read_yolo(path: Path, image_root: str | Path | None = None) -> CocoFile:
    """Read a YOLO folder.

    Args:
        path: a data.yaml, its folder, or a folder of labels below it.
        image_root: the folder that the names of images are to start from; that of data.yaml where not given.

    Returns:
        Its content as COCO: images in the order of their paths, annotations in that of their lines, ids from 1, the
        numbers of the classes as those of categories. Columns behind a box are kept as ``yolo_columns``; a polygon is
        kept as ``segmentation``, with the box around it.

    Raises:
        InputError: if something in it cannot be used; it names file and line.
    """
    layout = read_layout(path, image_root)
    root = layout.home if image_root is None else normal(Path(image_root))
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    files: list[LabelFile] = []
    unheld: Counter[str] = Counter()
    places = layout.places()
    links = {place.image.relative_to(layout.home).as_posix(): place.image for place in places}
    others = [place.label for place in places if not layout.is_chosen(place) and place.label.is_file()]
    for number, (file, label) in enumerate(filter(layout.is_chosen, places), start=1):
        width, height = size_of(file)
        image = Image(number, name_below(file, root, path), width, height)
        images.append(image._asdict())
        if label.is_file():
            content = _read_bytes(label)
            labels = parse_labels(label, content, layout.names, layout.keypoint_columns)
            files.append(LabelFile(label.relative_to(layout.home).as_posix(), content, labels, image, len(annotations)))
            annotations += [_annotation(len(annotations) + place, line, image) for place, line in enumerate(labels, 1)]
    fixed = {place: "polygon" for place, entry in enumerate(annotations) if "segmentation" in entry}
    categories = [{"id": key, "name": name} for key, name in layout.names.items()]
    unheld.update({"empty label files": sum(not file.labels for file in files)})
    source = YoloSource(path, layout.home, links, fixed, dict(+unheld), layout, files, others)
    return parse_coco(path, {"images": images, "annotations": annotations, "categories": categories}, source)


def _annotation(number: int, label: Label, image: Image) -> dict[str, Any]:
    box = label.box(image)
    entry: dict[str, Any] = {
        "id": number,
        "image_id": image.id,
        "category_id": label.class_id,
        "bbox": list(box),
        "area": box[2] * box[3],
        "iscrowd": 0,
    }
    if label.is_polygon:
        entry["segmentation"] = [label.points(image)]
    elif label.columns:
        entry[COLUMNS_KEY] = label.columns
    return entry


def _read_bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}): give a file that you may read.") from None


def _moved_yaml(layout: Layout, root: Path) -> bytes:
    """Data.yaml with its path, if it has one, and its absolute entries leading to a new folder."""
    content = layout.yaml.read_bytes()
    text = content.decode("utf-8-sig")
    mapping = yaml.compose(text, Loader=yaml.BaseLoader)
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    values = {key.value: value for key, value in pairs if isinstance(key, yaml.ScalarNode)}
    changes: dict[tuple[int, int], str] = {}
    if layout.content.get("path"):
        changes[_span(values["path"])] = str(root)
    for split in SPLITS:
        node = values.get(split)
        for entry in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(entry, yaml.ScalarNode) and Path(entry.value).is_absolute():
                changes[_span(entry)] = os.path.relpath(entry.value, layout.root)
    if not changes:
        return content
    for (start, end), value in sorted(changes.items(), reverse=True):
        text = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
    return text.encode()


def _span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _moved_listing(layout: Layout, listing: Path) -> bytes:
    """A listing of images with paths from its own folder."""
    lines = read_text(listing).splitlines()
    if all(line.startswith("./") or not line.strip() for line in lines):
        return listing.read_bytes()
    images = layout.listed(listing, lines)
    return "".join(f"./{Path(os.path.relpath(image, listing.parent)).as_posix()}\n" for image in images).encode()
