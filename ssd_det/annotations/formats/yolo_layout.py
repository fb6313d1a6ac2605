"""Where the images and labels of a YOLO folder are, as its data.yaml says."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import NamedTuple

from ssd_det.annotations.formats.data_yaml import class_names, find_yaml, keypoint_columns, read_data_yaml, read_text
from ssd_det.annotations.formats.walking import walk
from ssd_det.annotations.formats.yolo_labels import looks_like_labels
from ssd_det.annotations.paths import IMAGE_SUFFIXES, normal
from ssd_det.errors import InputError

SPLITS = ("train", "val", "validation", "test")
CLASS_LIST = "classes.txt"  # what labelling tools leave beside the labels


class LabelledImage(NamedTuple):
    """An image and its label file, which need not exist."""

    image: Path
    label: Path


@dataclass(frozen=True)
class Layout:
    """What a data.yaml says.

    Attributes:
        yaml: the file.
        content: what it holds, every value a text.
        dataset_root: the folder that everything is in.
        entries_root: the folder that its entries start from, ``dataset_root`` or one in it.
        names: of the classes, by id.
        keypoint_columns: how many columns the keypoints of an object have; ``None`` where there are none.
        chosen_labels: the folder of labels that was asked for; ``None`` for all of them.
    """

    yaml: Path
    content: Mapping[str, object]
    dataset_root: Path
    entries_root: Path
    names: dict[int, str]
    keypoint_columns: int | None
    chosen_labels: Path | None

    def entries(self) -> Iterator[Path]:
        """The folders of images, and the listings of images, of all splits.

        Raises:
            InputError: if one does not exist, or is not in ``dataset_root``.
        """
        entries = [(split, entry) for split in SPLITS for entry in _as_list(self.content.get(split))]
        if not entries:
            raise InputError(f"{self.yaml}: names no images: add train, the folder of the images.")
        for split, entry in entries:
            if not isinstance(entry, str):
                raise InputError(f"{self.yaml}: {split} is {entry}: give a folder or a list of folders.")
            # Some exports begin with a folder up that is not meant.
            candidates = [
                normal(self.entries_root / name) for name in dict.fromkeys((entry, entry.removeprefix("../")))
            ]
            existing = [path for path in candidates if path.exists()]
            if not existing:
                raise InputError(
                    f"{self.yaml}: {split} is {entry}, but there is no {candidates[0]}: "
                    f"correct path and {split}, or take it out."
                )
            inside = [path for path in existing if path.is_relative_to(self.dataset_root)]
            if not inside:
                raise InputError(
                    f"{self.yaml}: {split} is {entry}, which is outside of {self.dataset_root}: "
                    f"set path to the folder that everything is in."
                )
            yield inside[0]

    def tracked_files(self) -> list[Path]:
        """Every file that the annotations depend on, images left out."""
        files = {self.yaml}
        for path in self.entries():
            if path.is_dir():
                files.update(walk(path, (".txt",)), walk(self._label_folder(path), (".txt",)))
            else:
                images = self.listed(path, read_text(path).splitlines())
                files.update((path, *map(self._label_of, images)))
        return sorted(file for file in files if file.is_file())

    def labelled_images(self) -> list[LabelledImage]:
        """Every image once, in the order of their paths, with its label file.

        Raises:
            InputError: if there are no images, labels without an image, labels of two images, or xml files among them.
        """
        image_of: dict[Path, Path] = {}  # by label file
        images: set[Path] = set()
        folders: dict[Path, Path] = {}
        for path in self.entries():
            if path.is_dir():
                images.update(walk(path, IMAGE_SUFFIXES))
                folders[self._label_folder(path)] = path
            else:
                images.update(self.listed(path, read_text(path).splitlines()))
        for image in sorted(images):
            label = self._label_of(image)
            if image_of.setdefault(label, image) != image:
                raise InputError(f"{label}: is the label file of {image_of[label].name} and {image.name}: rename one.")
        for label_folder, image_folder in folders.items():
            self._check_labels(label_folder, image_folder, image_of.keys())
        labelled_images = [LabelledImage(image, label) for label, image in image_of.items()]
        if not any(map(self.is_chosen, labelled_images)):
            folder = self.chosen_labels or self.dataset_root
            raise InputError(f"{folder}: there are no images: correct path and train in {self.yaml}.")
        return labelled_images

    def is_chosen(self, labelled_image: LabelledImage) -> bool:
        """Whether the label file of an image is among those that were asked for."""
        return self.chosen_labels is None or labelled_image.label.is_relative_to(self.chosen_labels)

    def _check_labels(self, folder: Path, image_folder: Path, labels: Set[Path]) -> None:
        """Make sure that a folder holds labels of known images, and no other format."""
        chosen = self.chosen_labels
        if chosen is not None and not folder.is_relative_to(chosen) and not chosen.is_relative_to(folder):
            return
        xml = next(walk(folder, (".xml",)), None)
        if xml is not None:
            raise InputError(f"{xml}: is xml among YOLO labels: keep one format, and take the files of the other out.")
        orphans = [
            file
            for file in walk(folder, (".txt",))
            if file not in labels and file.name != CLASS_LIST and (folder != image_folder or looks_like_labels(file))
        ]
        if orphans:
            more = f", nor for {len(orphans) - 1} more" if len(orphans) > 1 else ""
            raise InputError(
                f"{orphans[0]}: there is no image in {image_folder} for this label file{more}: "
                f"add images or remove labels."
            )

    def _label_folder(self, images: Path) -> Path:
        """Where the labels of a folder of images are: in a folder labels in place of images, or beside the images."""
        in_labels = self._label_path(images / "image").parent
        return in_labels if in_labels.is_dir() else images

    def _label_of(self, image: Path) -> Path:
        in_labels, beside = self._label_path(image), image.with_suffix(".txt")
        return beside if beside.is_file() and not in_labels.is_file() else in_labels

    def _label_path(self, image: Path) -> Path:
        return self.dataset_root / label_path_of(image.relative_to(self.dataset_root))

    def listed(self, listing: Path, lines: Iterable[str]) -> list[Path]:
        """The images that lines of a text file name.

        Raises:
            InputError: if one does not exist, or is not in ``dataset_root``.
        """
        paths = []
        for line in lines:
            name = line.strip()
            if not name:
                continue
            roots = (listing.parent, self.entries_root, self.dataset_root)
            candidates = [normal(folder / name) for folder in roots]
            images = [path for path in candidates if path.is_file() and path.is_relative_to(self.dataset_root)]
            if not images:
                raise InputError(
                    f"{listing}: lists {name}, which is not in {self.dataset_root}: correct it or take it out."
                )
            paths.append(images[0])
        return paths


def _as_list(value: object) -> list[object]:
    """The entries of a setting in data.yaml, which may be a single entry, a list, or missing."""
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry]


def label_path_of(image: PurePath) -> PurePath:
    """The label file of an image, in a folder labels in place of the last folder named images."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return image.__class__(*parts).with_suffix(".txt")


def read_layout(path: Path, image_root: str | Path | None = None) -> Layout:
    """Read a data.yaml.

    Args:
        path: the file, its folder, or a folder of labels below.
        image_root: the folder of the images, which is required where ``path`` in data.yaml leads out of its folder.

    Raises:
        InputError: if it cannot be used.
    """
    layout = layout_of(path)
    folder = normal(layout.yaml.parent)
    images = None if image_root is None else normal(Path(image_root))
    root = layout.dataset_root
    if root != folder and (images is None or not (images.is_relative_to(root) or root.is_relative_to(images))):
        path_entry = layout.content["path"]
        raise InputError(
            f"{layout.yaml}: path is {path_entry}, which is outside of {folder}: give {root} as image_root."
        )
    return layout


def layout_of(path: Path) -> Layout:
    """Read a data.yaml, wherever it leads.

    Raises:
        InputError: if it cannot be used.
    """
    file = find_yaml(path)
    content = read_data_yaml(file)
    folder = normal(file.parent)
    path_entry = content.get("path")
    entries_root = normal(folder / path_entry) if isinstance(path_entry, str) and path_entry else folder
    if not entries_root.is_dir():  # the path is one of another machine
        entries_root = folder
    dataset_root = folder if entries_root.is_relative_to(folder) else entries_root
    is_part = path.is_dir() and normal(path) not in (folder, entries_root, dataset_root)
    return Layout(
        yaml=file,
        content=content,
        dataset_root=dataset_root,
        entries_root=entries_root,
        names=class_names(file, content),
        keypoint_columns=keypoint_columns(file, content),
        chosen_labels=normal(path) if is_part else None,
    )
