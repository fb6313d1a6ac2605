"""A Pascal VOC folder as COCO, and its xml files with other boxes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.formats.recognise import ANNOTATIONS, walk, xml_files
from ssd_det.annotations.formats.voc_xml import VocFile, read_voc_file
from ssd_det.annotations.paths import IMAGE_SUFFIXES, normal
from ssd_det.annotations.source import Rewritten, Source
from ssd_det.ops.box_types import Xywh

IMAGES, LISTS = "JPEGImages", "ImageSets"


@dataclass(frozen=True)
class VocSource(Source):
    """A Pascal VOC folder.

    Attributes:
        files: the xml files, in the order of their paths.
    """

    files: list[VocFile] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.Source.rewritten`; the lists of images are copied as they are."""
        files = {
            path.relative_to(self.home).as_posix(): path.read_bytes() for path in walk(self.home / LISTS, (".txt",))
        }
        position, kept = 0, 0
        for file in self.files:
            places = range(len(file.objects))
            own = {place: boxes[position + place] for place in places if position + place in boxes}
            files[normal(file.path).relative_to(self.home).as_posix()], left = file.with_boxes(own)
            position += len(file.objects)
            kept += left
        return Rewritten(files, kept)


def read_voc(path: Path, image_root: str | Path | None = None) -> CocoFile:
    """Read a Pascal VOC folder.

    Args:
        path: a folder with ``Annotations``, that itself, or a folder of xml files.
        image_root: the folder that the names of images are to start from; the Pascal VOC folder where not given.

    Returns:
        Its content as COCO: images in the order of the xml files, annotations in that of their objects, ids from 1,
        categories by name.

    Raises:
        InputError: if a file is not the xml of VOC, or has a box or size that is none.
    """
    xml = xml_files(path)
    home = normal(path)
    below = home / ANNOTATIONS
    if home.name == ANNOTATIONS:
        home, below = home.parent, home
    elif not normal(xml[0]).is_relative_to(below):
        below = home
    files = [read_voc_file(file) for file in xml]
    images = home / IMAGES if (home / IMAGES).is_dir() else home
    root = home if image_root is None else normal(Path(image_root))
    names = [_file_name(file, normal(file.path).parent.relative_to(below), images, root) for file in files]
    content = voc_content(files, names, category_ids(files))
    links = {file.relative_to(home).as_posix(): file for file in walk(images, IMAGE_SUFFIXES)} if images != home else {}
    unheld = sum((file.unheld for file in files), Counter[str]())
    return parse_coco(path, content, VocSource(path, home, links, {}, dict(unheld), files))


def voc_content(files: Sequence[VocFile], names: Sequence[str], categories: Mapping[str, int]) -> dict[str, Any]:
    """What xml files say, as the content of a COCO file.

    Args:
        files: one an image.
        names: of the images.
        categories: ids of the classes, by name.

    Returns:
        Images and annotations with ids from 1 in the order of the files. Each annotation keeps ``difficult``,
        ``truncated``, ``occluded`` and ``pose`` as far as its object has them.
    """
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number, (file, name) in enumerate(zip(files, names, strict=True), start=1):
        width, height = file.size()
        images.append({"id": number, "file_name": name, "width": width, "height": height})
        for entry in file.objects:
            box = file.box_of(entry)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": categories[file.name_of(entry)],
                    "bbox": box,
                    "area": box[2] * box[3],
                    "iscrowd": 0,
                    **file.flags_of(entry),
                }
            )
    known = [{"id": number, "name": name} for name, number in categories.items()]
    return {"images": images, "annotations": annotations, "categories": known}


def category_ids(files: Iterable[VocFile]) -> dict[str, int]:
    """A number from 1 up for each class, in the order of the names."""
    names = {file.name_of(entry) for file in files for entry in file.objects}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


def image_name(file: VocFile) -> str:
    """The name of the image as the file has it, by default that of the file with jpg behind."""
    return file.texts.get("filename", "").strip() or f"{file.path.stem}.jpg"


def _file_name(file: VocFile, folder: Path, images: Path, root: Path) -> str:
    """The name of an image from ``root`` if it is below, else from the folder of the images.

    Args:
        file: the xml file.
        folder: where it is below the folder of the xml files; as a rule its image is in such a folder as well.
        images: the folder of the images.
        root: the folder that names are to start from.
    """
    name = image_name(file)
    name = name if "/" in name else (folder / name).as_posix()
    image = images / name
    return image.relative_to(root).as_posix() if image.is_file() and image.is_relative_to(root) else name
