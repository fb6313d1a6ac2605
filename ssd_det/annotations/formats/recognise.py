"""Telling what format annotations have, by what is there."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ssd_det.annotations.paths import normal
from ssd_det.errors import InputError

Format = Literal["coco", "yolo", "voc"]

YAML_SUFFIXES = (".yaml", ".yml")
YAML_NAMES = ("data.yaml", "data.yml")
ANNOTATIONS = "Annotations"
LABEL_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+(?:\.0*)?(?:[ \t]+[-+.\deE]+){4,}[ \t]*(?:[\r\n]|$)")
LOOKED_AT = 4096
LEVELS_ABOVE = 4


def recognise(path: Path) -> Format:
    """The format of annotations: a json file is COCO; data.yaml and label files are YOLO; xml files are Pascal VOC.

    Args:
        path: a json file, a data.yaml or its folder, a folder of label files below one, a folder with Annotations,
            or a folder of xml files.

    Raises:
        InputError: if a folder is of no format, or of two.
    """
    if path.suffix.lower() in YAML_SUFFIXES and not path.is_dir():
        return "yolo"
    if not path.is_dir():
        return "coco"
    yolo = any((path / name).is_file() for name in YAML_NAMES) or _holds_labels(path, path / ANNOTATIONS)
    voc = bool(xml_files(path))
    if yolo and voc:
        raise InputError(
            f"{path}: holds YOLO labels and Pascal VOC xml: give data.yaml, or the folder of one of them alone."
        )
    if voc:
        return "voc"
    if yolo or any(looks_like_labels(file) for file in walk(path, (".txt",))):
        return "yolo"
    raise InputError(
        f"{path}: holds no annotations: give a json file, a folder with data.yaml, or one with {ANNOTATIONS}/*.xml."
    )


def xml_files(folder: Path) -> list[Path]:
    """The xml files of a Pascal VOC folder: all below ``Annotations``, or those in the folder itself."""
    below = folder / ANNOTATIONS if folder.name != ANNOTATIONS else folder
    return sorted(walk(below, (".xml",))) or sorted(file for file in folder.glob("*.xml") if not _hidden(file.name))


def find_yaml(path: Path) -> Path:
    """The data.yaml that a path of a YOLO folder belongs to: itself, or the next one in or above the folder.

    Raises:
        InputError: if there is none.
    """
    if not path.is_dir():
        return path
    start = normal(path)
    for folder in (start, *start.parents)[: LEVELS_ABOVE + 1]:
        for name in YAML_NAMES:
            if (folder / name).is_file():
                return (path if folder == start else folder) / name
    raise InputError(f"{path}: holds YOLO labels but no data.yaml is in it or above: add one with train and names.")


def looks_like_labels(file: Path) -> bool:
    """Whether a text file begins with a line of YOLO labels."""
    try:
        with file.open("rb") as opened:
            return LABEL_LINE.match(opened.read(LOOKED_AT)) is not None
    except OSError:
        return False


def walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files with these suffixes below a folder, in the order of their names, hidden ones left out."""
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _hidden(name))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and not _hidden(name):
                yield Path(parent, name)


def _holds_labels(*folders: Path) -> bool:
    return any(looks_like_labels(file) for folder in folders for file in sorted(folder.glob("*.txt")))


def _hidden(name: str) -> bool:
    return name.startswith(".")
