"""Several annotation files of one folder of images as one."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import first_of, free_ids
from ssd_det.errors import InputError

MERGED_FROM = "merged_from"


class MergedFiles(NamedTuple):
    """Several annotation files as one.

    Attributes:
        content: of the merged file.
        shared_images: how many images were already in an earlier file.
        renumbered: how many annotations got another id, as theirs was taken.
    """

    content: JsonObject
    shared_images: int
    renumbered: int


def merge(files: Sequence[CocoFile]) -> MergedFiles:
    """Put annotation files together; the content of none is changed.

    Images of one file name are one image, categories of one name one category: the entry of the earlier file stays,
    with the keys that only the later one has. All annotations are kept. An id that an earlier file has taken is
    replaced by the lowest that no file has; the entry then keeps its file and its old id as ``merged_from``. The other
    keys of the files are those of the first that has them.

    Args:
        files: in the order in which they claim ids.

    Raises:
        InputError: if an image has two sizes.
    """
    _check_sizes(files)
    images, categories = _Table(files, "images", "file_name"), _Table(files, "categories", "name")
    annotations = _Table(files, "annotations", None)
    content: JsonObject = {}
    for file in files:
        new_images, new_categories, new_annotations = (
            table.add(file.path, file.content) for table in (images, categories, annotations)
        )
        for annotation in file.annotations:
            entry = annotations.entries[new_annotations[annotation.id]]
            _renumber(entry, "image_id", new_images)
            _renumber(entry, "category_id", new_categories)
        content |= _missing(file.content, content)
    content |= {table.kind: list(table.entries.values()) for table in (images, categories, annotations)}
    return MergedFiles(content, images.shared, annotations.renumbered)


def in_folder(coco: CocoFile, folder: str) -> CocoFile:
    """A file whose file names start above a folder."""
    images = [{**entry, "file_name": f"{folder.rstrip('/')}/{entry['file_name']}"} for entry in coco.content["images"]]
    return parse_coco(coco.path, {**coco.content, "images": images}, coco.source)


def check_shared_names(files: Sequence[CocoFile], one_root: bool) -> None:
    """Make sure that images of one name are one image, as far as files show it.

    They may be different pictures, such as the first frames of two videos, if both files have objects of one class in
    them, or if their names start from different folders.

    Args:
        files: to be merged.
        one_root: whether the names in all folders start from one place.

    Raises:
        InputError: if images may be different pictures.
    """
    owner: dict[str, CocoFile] = {}
    classes: dict[str, set[str]] = {}
    for file in files:
        doubtful: dict[str, CocoFile] = {}
        own = _classes_of_images(file)
        for name, of_image in own.items():
            other = owner.get(name)
            if other and (of_image & classes[name] or not (one_root or _start_alike(file, other))):
                doubtful[name] = other
        if doubtful:
            raise InputError(
                f"{file.path}: {len(doubtful)} of its images are called like images of "
                f"{first_of(dict.fromkeys(other.path for other in doubtful.values()))}, and may be different pictures: "
                f"{first_of(doubtful)}: give --prefix_folders if they are, or --same_images true if they are not."
            )
        for name, of_image in own.items():
            owner.setdefault(name, file)
            classes.setdefault(name, set()).update(of_image)


def _classes_of_images(file: CocoFile) -> dict[str, set[str]]:
    """The classes of the objects in each image, by its name."""
    names = {category.id: category.name for category in file.categories}
    classes: dict[str, set[str]] = {image.file_name: set() for image in file.images}
    for annotation in file.annotations:
        classes[file.image_by_id[annotation.image_id].file_name].add(names[annotation.category_id])
    return classes


def _start_alike(file: CocoFile, other: CocoFile) -> bool:
    """Whether file names may start from the same folder."""
    sources = file.source, other.source
    return sources[0] is None or sources[1] is None or sources[0].dataset_root == sources[1].dataset_root


class _Table:
    """The entries of one kind as they come together.

    Args:
        files: all that will be added.
        kind: images, categories or annotations.
        name_key: the key that entries of two files have in common if they are the same; ``None`` where they never
            are.

    Attributes:
        entries: by their new id.
        shared: how many entries were the same as one of an earlier file.
        renumbered: how many got another id.
    """

    def __init__(self, files: Iterable[CocoFile], kind: str, name_key: str | None) -> None:
        self.kind = kind
        self.entries: dict[int, JsonObject] = {}
        self.shared = 0
        self.renumbered = 0
        self._name_key = name_key
        self._id_of: dict[str, int] = {}
        self._free = free_ids({int(entry["id"]) for file in files for entry in file.content[kind]})

    def add(self, path: Path, content: JsonObject) -> dict[int, int]:
        """Add the entries of a file.

        Returns:
            The new id of each, by the old one.
        """
        new_ids: dict[int, int] = {}
        names: dict[str, int] = {}
        for entry in content[self.kind]:
            old = int(entry["id"])
            name = None if self._name_key is None else entry[self._name_key]
            if name in self._id_of:
                new_ids[old] = self._id_of[name]
                self.entries[new_ids[old]] |= _missing(entry, self.entries[new_ids[old]])
                self.shared += 1
                continue
            new_ids[old] = self._insert(path, old, dict(entry))
            if name is not None:
                names.setdefault(name, new_ids[old])
        self._id_of |= names  # only now: what a file tells apart stays apart
        return new_ids

    def _insert(self, path: Path, old: int, entry: JsonObject) -> int:
        if old not in self.entries:
            self.entries[old] = entry
            return old
        new = next(self._free)
        self.entries[new] = entry | {"id": new, MERGED_FROM: {"file": str(path), "id": old}}
        self.renumbered += 1
        return new


def _missing(entry: JsonObject, earlier: JsonObject) -> JsonObject:
    """The keys of an entry that an earlier one does not have, with their values."""
    return {key: value for key, value in entry.items() if key not in earlier}


def _renumber(entry: JsonObject, key: str, new_ids: Mapping[int, int]) -> None:
    new = new_ids[int(entry[key])]
    if new != entry[key]:
        entry[key] = new


def _check_sizes(files: Iterable[CocoFile]) -> None:
    seen: dict[str, tuple[Path, int, int]] = {}
    for file in files:
        for image in file.images:
            path, width, height = seen.setdefault(image.file_name, (file.path, image.width, image.height))
            if (width, height) != (image.width, image.height):
                raise InputError(
                    f"{file.path}: image {image.id}: {image.file_name} is {image.width}x{image.height}, but "
                    f"{width}x{height} in {path}: correct the size, or a file_name, or give --prefix_folders."
                )
