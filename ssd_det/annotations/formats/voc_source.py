"""A Pascal VOC folder as COCO, and its xml files with other boxes."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.formats.file_faults import FileFault, OnFault, counted, refuse
from ssd_det.annotations.formats.image_headers import size_of
from ssd_det.annotations.formats.voc_file import VocFile
from ssd_det.annotations.formats.voc_images import VocImage, VocImages
from ssd_det.annotations.formats.voc_layout import LISTS, layout_of, xml_files
from ssd_det.annotations.formats.voc_xml import read_voc_file
from ssd_det.annotations.formats.walking import walk
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.paths import READ_SUFFIXES, normal
from ssd_det.annotations.source import Rewritten, SourceFolder
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import read_regular
from ssd_det.foreign.shown_text import cut
from ssd_det.ops.box_types import Xywh

LABEL_MAP = "labelmap.txt"  # the classes in their order, in exports of CVAT and datumaro


@dataclass(frozen=True)
class VocSource(SourceFolder):
    """A Pascal VOC folder.

    Attributes:
        files: the xml files, in the order of their paths.
        unread: those that cannot be used, which a copy of the folder needs as well.
    """

    files: list[VocFile] = field(repr=False)
    unread: list[Path] = field(repr=False)

    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path, removed: Container[int] = ()) -> Rewritten:
        """See :meth:`ssd_det.annotations.source.SourceFolder.rewritten`; lists of images and classes are copied."""
        lists = [*walk(self.dataset_root / LISTS, (".txt",)), *self.dataset_root.glob(LABEL_MAP)]
        others = [*lists, *map(normal, self.unread)]
        files = {path.relative_to(self.dataset_root).as_posix(): read_regular(path, "file") for path in others}
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


def read_voc(
    path: Path, image_root: str | Path | None = None, on_fault: OnFault = refuse, origin: int | None = None
) -> CocoFile:
    """Read a Pascal VOC folder.

    Args:
        path: a folder with ``Annotations``, that itself, or a folder of xml files.
        image_root: the folder that the names of images must start from; by default the Pascal VOC folder.
        on_fault: what to do with a file or an object that cannot be used.
        origin: the first pixel of a row, from which corners count, 1 or 0; where not given as :func:`origin_of` has it.

    Returns:
        Its content as COCO: images in the order of the xml files, annotations in that of their objects, ids from 1,
        categories by name.

    Raises:
        InputError: if a file is not the xml of VOC, or has an invalid box or size.
    """
    layout = layout_of(path)
    names_start = layout.root if image_root is None else normal(Path(image_root))
    has_images = layout.images != layout.root or any(walk(layout.root, READ_SUFFIXES))
    images = VocImages(layout.images if has_images else names_start, names_start)
    paths = xml_files(path)
    remarks: list[FileFault] = []
    files = [file for one in paths if (file := _sound_file(one, on_fault))]
    origin, zeros = (origin, []) if origin is not None else origin_of(files)
    remarks += zeros
    files = [replace(file, origin=origin) for file in files]
    located = with_images(files, images, layout.xml, on_fault, remarks)
    if on_fault is not refuse:
        for remark in remarks:
            on_fault(remark)
    files = [file for file, _ in located]
    read = {file.path for file in files}
    content = coco_content(files, [image.name for _, image in located], category_ids(files))
    all_images = images.paths() if layout.images != layout.root else (image.path for _, image in located if image.path)
    below = [image for image in map(normal, all_images) if image.is_relative_to(layout.root)]
    links = {image.relative_to(layout.root).as_posix(): image for image in below}
    dropped = sum((file.dropped for file in files), Counter[str]())
    unread = [one for one in paths if one not in read]
    source = VocSource(layout.root, links, {}, dict(dropped), files, unread, remarks=counted(remarks))
    if not files:  # where faults are collected
        return CocoFile(path, content, [], [], [], source)
    return parse_coco(path, content, source)


def origin_of(files: Iterable[VocFile]) -> tuple[int, list[FileFault]]:
    """The pixel that corners count from, 1 in Pascal VOC, as far as boxes at the edge of their image show it.

    Several tools write files that count from 0. One corner at 0 proves it, or is a slip; what lies at the edge, as
    many boxes do, decides: more corners at 0 than at 1 are those of files that count from 0.

    Returns:
        0 or 1, and a remark for each object with a corner at 0.
    """
    firsts = [
        (file.path, number, corner)
        for file in files
        for number, entry in enumerate(file.objects, start=1)
        for corner in file.first_corner(entry)
        if corner in (0, 1)
    ]
    at_zero = dict.fromkeys((path, number) for path, number, corner in firsts if corner == 0)
    origin = int(2 * sum(corner == 0 for _, _, corner in firsts) <= len(firsts))
    sentence = (
        "{}: object {} has a corner at 0, so corners count from 0, not from 1; they are read as counting from {}."
    )
    return origin, [
        FileFault("counts-from-zero", f"{path}: object {number}", sentence.format(path, number, origin))
        for path, number in at_zero
    ]


def with_images(
    files: Iterable[VocFile], images: VocImages, xml_folder: Path, on_fault: OnFault, remarks: list[FileFault]
) -> list[tuple[VocFile, VocImage]]:
    """What can be used of xml files, with their images.

    Args:
        files: as they were read.
        images: to choose from.
        xml_folder: that the files are below, absolute.
        on_fault: what to do with a file or an object that cannot be used.
        remarks: what is read otherwise than it is written is added here.
    """
    located = []
    for file in files:
        image = images.of(file, normal(file.path).parent.relative_to(xml_folder))
        remarks += [image.remark] if image.remark else []
        sized = _with_size(file, image, on_fault, remarks)
        if sized:
            located.append((_with_sound_objects(sized, on_fault, remarks), image))
    return located


def _sound_file(path: Path, on_fault: OnFault) -> VocFile | None:
    try:
        return read_voc_file(path)
    except InputError as error:
        on_fault(FileFault("bad-xml", str(path), str(error)))
        return None


def _with_size(file: VocFile, image: VocImage, on_fault: OnFault, remarks: list[FileFault]) -> VocFile | None:
    """A file with the size of its image, from the image's header where it does not say it itself."""
    try:
        file.size()
    except InputError as error:
        if image.path is None:
            on_fault(FileFault("unknown-size", str(file.path), str(error)))
            return None
    else:
        return file
    try:
        size = size_of(image.path)
    except InputError as error:
        on_fault(FileFault("unknown-size", str(file.path), str(error)))
        return None
    width, height = (cut(file.texts.get(f"size/{side}") or "missing") for side in ("width", "height"))
    reason = f"width is {width} and height is {height}, which is no size"
    sentence = f"{file.path}: {reason}: {size[0]}x{size[1]} is taken from its image."
    remarks.append(FileFault("size-from-image", str(file.path), sentence))
    return replace(file, image_size=size)


def _with_sound_objects(file: VocFile, on_fault: OnFault, remarks: list[FileFault]) -> VocFile:
    """A file without the objects that cannot be used."""
    sound = []
    for number, entry in enumerate(file.objects, start=1):
        where = f"{file.path}: object {number}"
        try:
            file.name_of(entry), file.box_of(entry)
        except InputError as error:
            on_fault(FileFault("bad-object", where, str(error).replace(str(file.path), where, 1)))
            continue
        sound.append(entry)
        remarks += [
            FileFault("bad-flag", where, f"{where}: {flag} is {cut(entry.texts[flag]) or 'empty'}: write 0 or 1.")
            for flag in file.odd_flags(entry)
        ]
    return replace(file, objects=sound)


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
