"""The images of a YOLO folder and their label files."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import NamedTuple

from ssd_det.annotations.formats.data_yaml import read_text
from ssd_det.annotations.formats.file_faults import FileFault, OnFault, refuse
from ssd_det.annotations.formats.walking import walk
from ssd_det.annotations.formats.yolo_entries import find_below
from ssd_det.annotations.formats.yolo_labels import looks_like_labels
from ssd_det.annotations.formats.yolo_layout import Layout
from ssd_det.annotations.paths import READ_SUFFIXES
from ssd_det.annotations.values import MOST_NAME
from ssd_det.errors import InputError
from ssd_det.foreign.shown_text import cut

CLASS_LIST = "classes.txt"  # what labelling tools leave beside the labels
IMAGES, LABELS = "images", "labels"


class LabelledImage(NamedTuple):
    """An image and its label file, which need not exist."""

    image: Path
    label: Path


@dataclass
class YoloImages:
    """What is in the folders and lists of a data.yaml.

    Attributes:
        labelled: every image once, in the order of their paths, with its label file.
        orphans: label files whose image is not there.
        unlabelled: folders and lists of images that have no label file at all, with how many images they have.
    """

    labelled: list[LabelledImage] = field(default_factory=list)
    orphans: list[Path] = field(default_factory=list)
    unlabelled: dict[Path, int] = field(default_factory=dict)


def find_images(layout: Layout, on_fault: OnFault = refuse) -> YoloImages:
    """Find the images of a YOLO folder and their label files.

    Args:
        layout: of the folder.
        on_fault: what to do with a listed image that is not there, and with a second image of a label file.

    Raises:
        InputError: if there are no images, or xml files among the labels.
    """
    labels = LabelFinder(layout.dataset_root)
    by_entry = {path: _images_of(layout, path, on_fault) for path in layout.paths()}
    image_of: dict[Path, Path] = {}  # by label file
    for image in sorted({image for images in by_entry.values() for image in images}):
        label = labels.label_of(image)
        if image_of.setdefault(label, image) != image:
            text = f"is the label file of {image_of[label].name} and {image.name}: rename one"
            on_fault(FileFault("shared-labels", str(label), f"{label}: {text}."))
    found = YoloImages([LabelledImage(image, label) for label, image in image_of.items()])
    orphans: set[Path] = set()
    for path, images in by_entry.items():
        entry_labels = [labels.label_of(image) for image in images]
        if images and _is_asked(layout, entry_labels) and not any(label.exists() for label in entry_labels):
            found.unlabelled[path] = len(images)
        for folder in labels.label_folders(path) if path.is_dir() else ():
            if _concerns(layout, folder):
                orphans.update(_orphans(folder, folder == path, image_of.keys()))
    found.orphans = sorted(orphans)
    chosen = [one for one in found.labelled if layout.is_chosen(one.label)]
    if found.orphans and not any(one.label.exists() for one in chosen):
        more = f", nor for {len(found.orphans) - 1} more" if len(found.orphans) > 1 else ""
        raise InputError(
            f"{found.orphans[0]}: there is no image for this label file{more}: add images or remove labels."
        )
    if not chosen:
        folder = layout.chosen_labels or layout.dataset_root
        raise InputError(f"{folder}: there are no images: correct path and train in {layout.yaml}.")
    return found


def tracked_files(layout: Layout) -> list[Path]:
    """Every file that the annotations depend on, images left out."""
    labels = LabelFinder(layout.dataset_root)
    files = {layout.yaml}
    for path in layout.paths():
        if path.is_dir():
            files.update(*(walk(folder, (".txt",)) for folder in (path, *labels.label_folders(path))))
        else:
            files.update((path, *map(labels.label_of, listed_images(layout, path))))
    return sorted(file for file in files if file.exists())


def listed_images(layout: Layout, listing: Path, on_fault: OnFault = refuse) -> list[Path]:
    """The images that a text file names.

    Args:
        layout: of the folder.
        listing: the text file.
        on_fault: what to do with one that does not exist, or is not in the data set.
    """
    images = []
    for number, line in enumerate(read_text(listing).splitlines(), start=1):
        name = line.strip()
        folders = (listing.parent, layout.entries_root, layout.dataset_root)
        image = find_below(name, folders, layout.dataset_root, Path.is_file) if name else None
        if image is not None:
            images.append(image)
        elif name:
            text = f"lists {cut(name, MOST_NAME)}, which is not in {layout.dataset_root}: correct it or take it out"
            on_fault(FileFault("missing-file", f"{listing}: line {number}", f"{listing}: {text}."))
    return images


class LabelFinder:
    """Where label files are: in a folder labels in place of the last folder images, or beside their images.

    Exports to systems that do not tell apart upper and lower case have Images and Labels.

    Args:
        root: the folder that all images are in.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folders: dict[Path, list[Path]] = {}

    def label_of(self, image: Path) -> Path:
        """The label file of an image, which need not exist."""
        name = image.with_suffix(".txt").name
        folders = self._candidates(image.parent)
        files = (folder / name for folder in folders)
        return next((file for file in files if file.exists()), folders[0] / name)

    def label_folders(self, images: Path) -> list[Path]:
        """The folders of the labels of a folder of images; that itself where there are no others."""
        return [folder for folder in self._candidates(images) if folder != images and folder.is_dir()] or [images]

    def _candidates(self, images: Path) -> list[Path]:
        """The folders where the labels of a folder of images may be, the likeliest first."""
        if images not in self._folders:
            inside = images.relative_to(self.root)
            usual = self.root / label_path_of(inside / "image").parent
            folders = list(dict.fromkeys([usual, *self._in_other_case(inside), images]))
            # Those that exist first, so that images without labels belong to them as well.
            self._folders[images] = sorted(folders, key=lambda folder: folder == images or not folder.is_dir())
        return self._folders[images]

    def _in_other_case(self, images: PurePath) -> list[Path]:
        parts = images.parts
        index = next((index for index in reversed(range(len(parts))) if parts[index].lower() == IMAGES), None)
        if index is None:
            return []
        above = self.root.joinpath(*parts[:index])
        siblings = sorted(folder for folder in above.glob("*") if folder.name.lower() == LABELS)
        return [folder.joinpath(*parts[index + 1 :]) for folder in siblings]


def label_path_of(image: PurePath) -> PurePath:
    """The label file of an image, in a folder labels in place of the last folder named images."""
    parts = list(image.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == IMAGES:
            parts[index] = LABELS
            break
    return image.__class__(*parts).with_suffix(".txt")


def _images_of(layout: Layout, path: Path, on_fault: OnFault) -> list[Path]:
    """The images of a folder or list."""
    return list(walk(path, READ_SUFFIXES)) if path.is_dir() else listed_images(layout, path, on_fault)


def _is_asked(layout: Layout, labels: Iterable[Path]) -> bool:
    return any(map(layout.is_chosen, labels))


def _concerns(layout: Layout, folder: Path) -> bool:
    """Whether a folder of labels holds, or is in, the one that was asked for."""
    chosen = layout.chosen_labels
    return chosen is None or folder.is_relative_to(chosen) or chosen.is_relative_to(folder)


def _orphans(folder: Path, has_images: bool, known: Set[Path]) -> list[Path]:
    """The label files of a folder whose image is not there.

    Args:
        folder: of labels.
        has_images: whether it is the folder of the images as well, where texts of other kinds may be.
        known: the label files of images.

    Raises:
        InputError: if another format is among them.
    """
    xml = next(walk(folder, (".xml",)), None)
    if xml is not None:
        raise InputError(f"{xml}: is xml among YOLO labels: keep one format, and take the files of the other out.")
    return [
        file
        for file in walk(folder, (".txt",))
        if file not in known and file.name != CLASS_LIST and (not has_images or looks_like_labels(file))
    ]
