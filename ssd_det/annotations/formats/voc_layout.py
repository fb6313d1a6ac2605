"""Where a Pascal VOC folder has its xml files and its images, in the spellings that people use."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.formats.voc_xml import ANNOTATIONS, IMAGES
from ssd_det.annotations.formats.walking import is_hidden, walk
from ssd_det.annotations.paths import normal

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
    """The xml files of a Pascal VOC folder: all below ``Annotations``, or those in the folder itself."""
    below = folder if _is_called(folder, (ANNOTATIONS,)) else _annotations_of(folder)
    files = sorted(walk(below, (".xml",))) if below else []
    return files or sorted(file for file in folder.glob("*.xml") if not is_hidden(file.name))


def _annotations_of(folder: Path) -> Path | None:
    """The folder ``Annotations`` in another, if it has xml files below."""
    below = _child(folder, (ANNOTATIONS,))
    return below if below and any(walk(below, (".xml",))) else None


def _child(folder: Path, names: Sequence[str]) -> Path | None:
    """The folder of one of these names in another, spelled so if there is one, else in any case."""
    exact = [folder / name for name in names if (folder / name).is_dir()]
    if exact or not folder.is_dir():
        return exact[0] if exact else None
    return next((child for child in sorted(folder.iterdir()) if _is_called(child, names) and child.is_dir()), None)


def _is_called(folder: Path, names: Sequence[str]) -> bool:
    return normal(folder).name.lower() in [name.lower() for name in names]
