"""A Pascal VOC folder as COCO, and its xml files with other boxes."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.voc_xml import ANNOTATIONS, IMAGES, LISTS, VocFile, read_voc_file
from ssd_det.annotations.formats.walking import is_hidden, walk
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import IMAGE_SUFFIXES, normal
from ssd_det.annotations.source import Rewritten, SourceFolder
from ssd_det.ops.box_types import Xywh

LABEL_MAP = "labelmap.txt"  # the classes in their order, in exports of CVAT and datumaro


@dataclass(frozen=True)
class VocSource(SourceFolder):
    """A Pascal VOC folder.

    Attributes:
        files: the xml files, in the order of their paths.
    """

    files: list[VocFile] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path, removed: Container[int] = ()) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.SourceFolder.rewritten`; lists of images and classes are copied."""
        lists = [*walk(self.dataset_root / LISTS, (".txt",)), *self.dataset_root.glob(LABEL_MAP)]
        files = {path.relative_to(self.dataset_root).as_posix(): path.read_bytes() for path in lists}
        first, kept = 0, 0
        for file in self.files:
            indices = range(len(file.objects))
            boxes_of_file = {index: boxes[first + index] for index in indices if first + index in boxes}
            path = normal(file.path).relative_to(self.dataset_root).as_posix()
            removed_of_file = [index for index in indices if first + index in removed]
            files[path], kept_in_file = file.with_boxes(boxes_of_file, removed_of_file)
            first += len(file.objects)
            kept += kept_in_file
        return Rewritten(files, kept)


def xml_files(folder: Path) -> list[Path]:
    """The xml files of a Pascal VOC folder: all below ``Annotations``, or those in the folder itself."""
    below = folder / ANNOTATIONS if folder.name != ANNOTATIONS else folder
    return sorted(walk(below, (".xml",))) or sorted(file for file in folder.glob("*.xml") if not is_hidden(file.name))


def read_voc(path: Path, image_root: str | Path | None = None, on_fault: OnFault = refuse) -> CocoFile:
    """Read a Pascal VOC folder.

    Args:
        path: a folder with ``Annotations``, that itself, or a folder of xml files.
        image_root: the folder that the names of images must start from; by default the Pascal VOC folder.
        on_fault: what to do with a faulty row or file, see :data:`ssd_det.annotations.formats.file_faults.OnFault`.

    Returns:
        Its content as COCO: images in the order of the xml files, annotations in that of their objects, ids from 1,
        categories by name.

    Raises:
        InputError: if a file is not the xml of VOC, or has an invalid box or size.
    """
    paths = xml_files(path)
    root = normal(path)
    xml_folder = root / ANNOTATIONS
    if root.name == ANNOTATIONS:
        root, xml_folder = root.parent, root
    elif not normal(paths[0]).is_relative_to(xml_folder):
        xml_folder = root
    files = [read_voc_file(file) for file in paths]
    images = root / IMAGES if (root / IMAGES).is_dir() else root
    names_start = root if image_root is None else normal(Path(image_root))
    names = [_file_name(file, normal(file.path).parent.relative_to(xml_folder), images, names_start) for file in files]
    content = coco_content(files, names, category_ids(files))
    links = {file.relative_to(root).as_posix(): file for file in walk(images, IMAGE_SUFFIXES)} if images != root else {}
    dropped = sum((file.dropped for file in files), Counter[str]())
    return parse_coco(path, content, VocSource(root, links, {}, dict(dropped), files))


def coco_content(files: Sequence[VocFile], names: Sequence[str], categories: Mapping[str, int]) -> JsonObject:
    """What xml files say, as the content of a COCO file.

    Args:
        files: one for each image.
        names: of the images.
        categories: ids of the classes, by name.

    Returns:
        Images and annotations with ids from 1 in the order of the files. Each annotation keeps ``difficult``,
        ``truncated``, ``occluded`` and ``pose`` as far as its object has them.
    """
    images: list[JsonObject] = []
    annotations: list[JsonObject] = []
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
    category_entries = [{"id": number, "name": name} for name, number in categories.items()]
    return {"images": images, "annotations": annotations, "categories": category_entries}


def category_ids(files: Iterable[VocFile]) -> dict[str, int]:
    """A number from 1 up for each class, in the order of the names."""
    names = {file.name_of(entry) for file in files for entry in file.objects}
    return {name: number for number, name in enumerate(sorted(names), start=1)}


def image_name(file: VocFile) -> str:
    """The name of the image as the file has it, by default that of the file with the suffix jpg."""
    return file.texts.get("filename", "").strip() or f"{file.path.stem}.jpg"


def _file_name(file: VocFile, folder: Path, images: Path, names_start: Path) -> str:
    """The path of an image from ``names_start`` if it is below, else from the folder of the images.

    Args:
        file: the xml file.
        folder: where it is below the folder of the xml files; its image usually is in a folder of that name.
        images: the folder of the images.
        names_start: the folder that names must start from.
    """
    name = image_name(file)
    name = name if "/" in name else (folder / name).as_posix()
    image = images / name
    return image.relative_to(names_start).as_posix() if image.is_file() and image.is_relative_to(names_start) else name
