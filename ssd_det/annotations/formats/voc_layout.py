"""Where a Pascal VOC folder has its xml files and its images, in the spellings that people use."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.formats.walking import is_hidden, walk
from ssd_det.annotations.paths import READ_SUFFIXES, normal

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets"  # folders of xml files, images, and names
IMAGE_FOLDERS = (IMAGES, "images")


class VocLayout(NamedTuple):
    """The folders of a Pascal VOC folder, absolute.

    Attributes:
        root: what all its files are below.
        xml: of the xml files.
        images: of the images, the root itself where they have none of their own.
    """

    root: Path
    xml: Path
    images: Path


def layout_of(path: Path) -> VocLayout:
    """The folders of a Pascal VOC folder: one with ``Annotations``, that itself, or a folder of xml files.

    The case of their names does not matter; images are in ``JPEGImages`` or ``images``, or beside the xml files.
    """
    folder = normal(path)
    xml = _annotations_of(folder) or folder
    root = xml.parent if _is_called(xml, (ANNOTATIONS,)) else folder
    return VocLayout(root, xml, _child(root, IMAGE_FOLDERS) or root)


def xml_files(folder: Path) -> list[Path]:
    """The xml files of a Pascal VOC folder.

    All below ``Annotations``, else those in the folder itself, else those beside images in its subfolders, such as the
    ``train`` and ``valid`` of Roboflow.
    """
    below = folder if _is_called(folder, (ANNOTATIONS,)) else _annotations_of(folder)
    files = sorted(walk(below, (".xml",))) if below else []
    return files or _xml_in(folder) or [xml for child in _folders_in(folder) for xml in _beside_images(child)]


def _annotations_of(folder: Path) -> Path | None:
    """The folder ``Annotations`` in another, if it has xml files below."""
    below = _child(folder, (ANNOTATIONS,))
    return below if below and any(walk(below, (".xml",))) else None


def _xml_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.glob("*.xml") if not is_hidden(file.name))


def _folders_in(folder: Path) -> list[Path]:
    return sorted(child for child in folder.glob("*/") if not is_hidden(child.name))


def _beside_images(folder: Path) -> list[Path]:
    """The xml files in a folder that are called like an image in it."""
    files = _xml_in(folder)
    stems = {path.stem for path in folder.iterdir() if path.suffix.lower() in READ_SUFFIXES} if files else set()
    return [file for file in files if file.stem in stems]


def _child(folder: Path, names: Sequence[str]) -> Path | None:
    """The folder of one of these names in another, spelled so if there is one, else in any case."""
    exact = [folder / name for name in names if (folder / name).is_dir()]
    if exact or not folder.is_dir():
        return exact[0] if exact else None
    return next((child for child in sorted(folder.iterdir()) if _is_called(child, names) and child.is_dir()), None)


def _is_called(folder: Path, names: Sequence[str]) -> bool:
    return normal(folder).name.lower() in [name.lower() for name in names]
