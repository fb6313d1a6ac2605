"""A YOLO folder as COCO, and its label files with other boxes."""

import json
import os
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import yaml

from ssd_det.annotations.coco import CocoFile, Image, parse_coco
from ssd_det.annotations.formats.data_yaml import read_text
from ssd_det.annotations.formats.file_faults import FileFault, OnFault, refuse
from ssd_det.annotations.formats.image_headers import name_below, size_of
from ssd_det.annotations.formats.yolo_entries import SPLITS, Entry, is_of_this_folder
from ssd_det.annotations.formats.yolo_images import YoloImages, find_images, listed_images
from ssd_det.annotations.formats.yolo_labels import COLUMNS_KEY, MOST_BYTES, Label, parse_labels, with_label_boxes
from ssd_det.annotations.formats.yolo_layout import Layout, read_layout
from ssd_det.annotations.formats.yolo_rows import RowKind, RowReader
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import normal
from ssd_det.annotations.source import Rewritten, SourceFolder
from ssd_det.annotations.values import MOST_NAME
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import read_regular
from ssd_det.foreign.shown_text import cut
from ssd_det.foreign.yaml_limits import PlainLoader
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
        found: its images and label files.
        label_files: those that exist and were asked for, in the order of the images.
    """

    layout: Layout = field(repr=False)
    found: YoloImages = field(repr=False)
    label_files: list[LabelFile] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path, removed: Container[int] = ()) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.SourceFolder.rewritten`; paths in data.yaml lead to the new folder.

        Lines that only a reader that goes on after faults takes are clipped to the image.
        """
        files, kept = {} if folder == self.dataset_root else self._other_files(folder), 0
        for file in self.label_files:
            boxes_of_file = {index: label.box(file.image) for index, label in enumerate(file.labels) if label.is_off}
            positions = dict(enumerate(range(file.first, file.first + len(file.labels))))
            boxes_of_file |= {index: boxes[position] for index, position in positions.items() if position in boxes}
            removed_of_file = {index for index, position in positions.items() if position in removed}
            files[file.path], kept_in_file = with_label_boxes(
                file.content, file.labels, boxes_of_file, file.image, removed_of_file
            )
            kept += kept_in_file
        return Rewritten(files, kept)

    def _other_files(self, folder: Path) -> dict[str, bytes]:
        """The files without boxes to change; paths in data.yaml and in listings of images lead to the new folder."""
        layout, root = self.layout, self.dataset_root
        others = [*(one.label for one in self.found.labelled if one.label.exists()), *self.found.orphans]
        files = {file.relative_to(root).as_posix(): _read_bytes(file) for file in others}
        files[layout.yaml.name] = _moved_yaml(layout, folder / layout.entries_root.relative_to(root))
        for path in layout.paths():
            if path.is_file():
                files[path.relative_to(root).as_posix()] = _moved_listing(layout, path)
        return files


def read_yolo(
    path: Path,
    image_root: str | Path | None = None,
    on_fault: OnFault = refuse,
    yolo_rows: RowKind | None = None,
) -> CocoFile:
    """Read a YOLO folder.

    Args:
        path: a data.yaml, its folder, or a folder of labels below it.
        image_root: the folder that the names of images must start from; by default that of data.yaml.
        on_fault: what to do with a faulty row or file.
        yolo_rows: what rows of more than a box are, where they do not tell.

    Returns:
        Its content as COCO: images in the order of their paths, annotations in that of their lines, ids from 1, the
        numbers of the classes as ids of the categories. Columns behind a box or polygon are kept as ``yolo_columns``; a
        polygon is kept as ``segmentation``, with the box around it.

    Raises:
        InputError: if something in it cannot be used; it names the file and the line.
    """
    layout = read_layout(path, image_root)
    found = find_images(layout, on_fault)
    reader = RowReader(layout.keypoint_columns, yolo_rows)
    reader.learn(_read_bytes(one.label) for one in found.labelled if one.label.exists())
    root = layout.dataset_root
    names_start = root if image_root is None else normal(Path(image_root))
    images: list[JsonObject] = []
    annotations: list[JsonObject] = []
    files: list[LabelFile] = []
    for image_path, label_path in (one for one in found.labelled if layout.is_chosen(one.label)):
        name = name_below(image_path, names_start, path)
        try:
            width, height = size_of(image_path)
        except InputError as error:
            on_fault(FileFault("unreadable-file", str(image_path), error.sentence))
            continue
        image = Image(len(images) + 1, name, width, height)
        images.append(image._asdict())
        if label_path.exists():
            content = _read_bytes(label_path)
            labels = parse_labels(label_path, content, layout.names, reader, on_fault)
            first = len(annotations)
            files.append(LabelFile(label_path.relative_to(root).as_posix(), content, labels, image, first))
            annotations += [_annotation(number, label, image) for number, label in enumerate(labels, first + 1)]
    categories = [{"id": key, "name": name} for key, name in layout.names.items()]
    source = YoloSource(
        dataset_root=root,
        links={image.relative_to(root).as_posix(): image for image, _ in found.labelled},
        fixed={position: "polygon" for position, entry in enumerate(annotations) if "segmentation" in entry},
        dropped=dict(+Counter({"empty label files": sum(not file.labels for file in files)})),
        layout=layout,
        found=found,
        label_files=files,
        remarks=tuple(_remarks(layout, found)),
    )
    return parse_coco(path, {"images": images, "annotations": annotations, "categories": categories}, source)


def _remarks(layout: Layout, found: YoloImages) -> Iterator[str]:
    """What of a folder was left out, a sentence each."""
    if layout.chosen_labels is None:
        for entry in layout.missing:
            text = cut(entry.text, MOST_NAME)
            yield f"{layout.yaml}: {entry.split} is {text}, but there is no {entry.expected}: it is left out."
    for folder, count in found.unlabelled.items():
        yield f"{folder}: none of its {count} images has a label file: they are read as images without objects."
    if found.orphans:
        more = f" and {len(found.orphans) - 1} more" if len(found.orphans) > 1 else ""
        yield f"{found.orphans[0]}: there is no image for this label file{more}: left out."


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
    if label.columns:
        entry[COLUMNS_KEY] = label.columns
    return entry


def _read_bytes(file: Path) -> bytes:
    return read_regular(file, "label file", MOST_BYTES)


def _moved_yaml(layout: Layout, entries_root: Path) -> bytes:
    """Data.yaml with its path, if it has one, and its absolute entries leading to a new folder."""
    content = read_regular(layout.yaml, "data.yaml")
    text = content.decode("utf-8-sig")
    mapping = yaml.compose(text, Loader=PlainLoader)
    pairs = mapping.value if isinstance(mapping, yaml.MappingNode) else []
    values = {key.value: value for key, value in pairs if isinstance(key, yaml.ScalarNode)}
    changes: dict[tuple[int, int], str] = {}
    if layout.content.get("path"):
        changes[_span(values["path"])] = str(entries_root)
    paths = {entry.text: entry.path for entry in layout.entries if not _leads_into_copies(layout, entry)}
    for split in SPLITS:
        node = values.get(split)
        for entry in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if isinstance(entry, yaml.ScalarNode) and (path := paths.get(entry.value)) is not None:
                changes[_span(entry)] = Path(os.path.relpath(path, layout.entries_root)).as_posix()
    if not changes:
        return content
    for (start, end), value in sorted(changes.items(), reverse=True):
        text = text[:start] + json.dumps(value, ensure_ascii=False) + text[end:]
    return text.encode()


def _leads_into_copies(layout: Layout, entry: Entry) -> bool:
    """Whether an entry, as it is written, leads into a copy of the folder as well."""
    return is_of_this_folder(entry.text) and entry.path in (entry.expected, normal(layout.entries_root / entry.text))


def _span(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.index, node.end_mark.index


def _moved_listing(layout: Layout, listing: Path) -> bytes:
    """A listing of images with paths from its own folder."""
    lines = read_text(listing).splitlines()
    if all(line.startswith("./") or not line.strip() for line in lines):
        return read_regular(listing, "list of images")
    images = listed_images(layout, listing)
    return "".join(f"./{Path(os.path.relpath(image, listing.parent)).as_posix()}\n" for image in images).encode()
