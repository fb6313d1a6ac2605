"""A YOLO folder as COCO, and its label files with other boxes."""

import json
import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from ssd_det.annotations.coco import CocoFile, Image, parse_coco
from ssd_det.annotations.formats.data_yaml import read_text
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.image_headers import name_below, size_of
from ssd_det.annotations.formats.yolo_labels import COLUMNS_KEY, Label, parse_labels, with_label_boxes
from ssd_det.annotations.formats.yolo_layout import SPLITS, Layout, read_layout
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import normal
from ssd_det.annotations.source import Rewritten, SourceFolder
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh


class LabelFile(NamedTuple):
    """A label file as it was read.

    Attributes:
        path: below the dataset root.
        content: its bytes.
        labels: its lines.
        image: that it is about.
        first: the position of its first annotation.
    """

    path: str
    content: bytes
    labels: list[Label]
    image: Image
    first: int


@dataclass(frozen=True)
class YoloSource(SourceFolder):
    """A YOLO folder.

    Attributes:
        layout: of the folder.
        label_files: those that exist and were asked for, in the order of the images.
        other_labels: the other label files, which a copy of the folder needs as well.
    """

    layout: Layout = field(repr=False)
    label_files: list[LabelFile] = field(repr=False)
    other_labels: list[Path] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.SourceFolder.rewritten`; paths in data.yaml lead to the new folder."""
        files, kept = {} if folder == self.dataset_root else self._other_files(folder), 0
        for file in self.label_files:
            indices = range(len(file.labels))
            boxes_of_file = {index: boxes[file.first + index] for index in indices if file.first + index in boxes}
            files[file.path], kept_in_file = with_label_boxes(file.content, file.labels, boxes_of_file, file.image)
            kept += kept_in_file
        return Rewritten(files, kept)

    def _other_files(self, folder: Path) -> dict[str, bytes]:
        """The files without boxes to change; paths in data.yaml and in listings of images lead to the new folder."""
        layout, root = self.layout, self.dataset_root
        files = {file.relative_to(root).as_posix(): file.read_bytes() for file in self.other_labels}
        files[layout.yaml.name] = _moved_yaml(layout, folder / layout.entries_root.relative_to(root))
        for path in layout.entries():
            if path.is_file():
                files[path.relative_to(root).as_posix()] = _moved_listing(layout, path)
        return files


def read_yolo(path: Path, image_root: str | Path | None = None, on_fault: OnFault = refuse) -> CocoFile:
    """Read a YOLO folder.

    Args:
        path: a data.yaml, its folder, or a folder of labels below it.
        image_root: the folder that the names of images must start from; by default that of data.yaml.
        on_fault: what to do with a faulty row or file, see :data:`ssd_det.annotations.formats.file_faults.OnFault`.

    Returns:
        Its content as COCO: images in the order of their paths, annotations in that of their lines, ids from 1, the
        numbers of the classes as ids of the categories. Columns behind a box are kept as ``yolo_columns``; a polygon is
        kept as ``segmentation``, with the box around it.

    Raises:
        InputError: if something in it cannot be used; it names the file and the line.
    """
    layout = read_layout(path, image_root)
    root = layout.dataset_root
    names_start = root if image_root is None else normal(Path(image_root))
    images: list[JsonObject] = []
    annotations: list[JsonObject] = []
    files: list[LabelFile] = []
    labelled_images = layout.labelled_images()
    for number, (image_path, label_path) in enumerate(filter(layout.is_chosen, labelled_images), start=1):
        width, height = size_of(image_path)
        image = Image(number, name_below(image_path, names_start, path), width, height)
        images.append(image._asdict())
        if label_path.is_file():
            content = _read_bytes(label_path)
            labels = parse_labels(label_path, content, layout.names, layout.keypoint_columns)
            first = len(annotations)
            files.append(LabelFile(label_path.relative_to(root).as_posix(), content, labels, image, first))
            annotations += [_annotation(number, label, image) for number, label in enumerate(labels, first + 1)]
    categories = [{"id": key, "name": name} for key, name in layout.names.items()]
    source = YoloSource(
        dataset_root=root,
        links={image.relative_to(root).as_posix(): image for image, _ in labelled_images},
        fixed={position: "polygon" for position, entry in enumerate(annotations) if "segmentation" in entry},
        dropped=dict(+Counter({"empty label files": sum(not file.labels for file in files)})),
        layout=layout,
        label_files=files,
        other_labels=[one.label for one in labelled_images if not layout.is_chosen(one) and one.label.is_file()],
    )
    return parse_coco(path, {"images": images, "annotations": annotations, "categories": categories}, source)


def _annotation(number: int, label: Label, image: Image) -> JsonObject:
    box = label.box(image)
    entry: JsonObject = {
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


def _moved_yaml(layout: Layout, entries_root: Path) -> bytes:
    """Data.yaml with its path, if it has one, and its absolute entries leading to a new folder."""
    content = layout.yaml.read_bytes()
    text = content.decode("utf-8-sig")
    mapping = yaml.compose(text, Loader=yaml.BaseLoader)
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    values = {key.value: value for key, value in pairs if isinstance(key, yaml.ScalarNode)}
    changes: dict[tuple[int, int], str] = {}
    if layout.content.get("path"):
        changes[_span(values["path"])] = str(entries_root)
    for split in SPLITS:
        node = values.get(split)
        for entry in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(entry, yaml.ScalarNode) and Path(entry.value).is_absolute():
                changes[_span(entry)] = os.path.relpath(entry.value, layout.entries_root)
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
