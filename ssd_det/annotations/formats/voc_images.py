"""Which image file an xml file of Pascal VOC is about: ``filename`` in it is often older than the file's own name."""

import unicodedata
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from ssd_det.annotations.formats.file_faults import FileFault
from ssd_det.annotations.formats.voc_file import VocFile
from ssd_det.annotations.formats.walking import walk
from ssd_det.annotations.image_files import ImageFolder
from ssd_det.annotations.paths import READ_SUFFIXES
from ssd_det.annotations.values import MOST_NAME
from ssd_det.foreign.shown_text import cut


class VocImage(NamedTuple):
    """The image of an xml file.

    Attributes:
        name: its path, from the folder that names start from if it is below, else from that of the images.
        path: of the file; ``None`` where there is none.
        remark: how it was found, if not by the name in the xml file.
    """

    name: str
    path: Path | None
    remark: FileFault | None = None


class VocImages:
    """The images of a Pascal VOC folder.

    Args:
        folder: of the images, absolute.
        names_start: the folder that names must start from, absolute.
    """

    def __init__(self, folder: Path, names_start: Path) -> None:
        self._folder = folder
        self._names_start = names_start

    def of(self, file: VocFile, below: Path) -> VocImage:
        """The image of an xml file.

        It is the one that ``filename`` names. Where the xml file's own name leads to another image, it is that one:
        images and xml files are renamed together, and ``filename`` stays behind.

        Args:
            file: the xml file.
            below: where it is below the folder of the xml files; its image usually is in a folder of that name.
        """
        written = file.texts.get("filename", "").strip()
        name = written or f"{file.path.stem}.jpg"
        name = name if "/" in name else (below / name).as_posix()
        path = PureWindowsPath(name)  # which takes both separators
        stem = _composed(file.path.stem)
        is_stale = stem not in (_composed(path.stem), _composed(path.name))
        named, own = self._named(name), self._called(stem, below, path.suffix)
        if own and own != named and (named is None or is_stale):
            return VocImage(self._name(own), own, _remark(file.path, written, own.name, named) if written else None)
        if named is None and path.suffix.lower() not in READ_SUFFIXES:
            named = self._called(_composed(path.name), Path(name).parent, path.suffix)
            if named:
                return VocImage(self._name(named), named, _remark(file.path, written, named.name, None))
        literal = self._folder / name
        if named and not literal.is_file() and "/" not in written:  # its folder is not that of the xml file
            return VocImage(self._name(named), named)
        return VocImage(self._name(literal) if literal.is_file() else name, named)

    def paths(self) -> Iterator[Path]:
        """The files of all images."""
        return (path for paths in self._by_stem.values() for path in paths)

    def _named(self, name: str) -> Path | None:
        """The file that a name leads to."""
        found = self._files.find(name).path if self._files else None
        return None if found is None else Path(found)

    def _called(self, stem: str, below: Path, suffix: str) -> Path | None:
        """The only image with a stem: in its folder if one is there, with a suffix if one has it."""
        paths = self._by_stem.get(stem, [])
        paths = [path for path in paths if path.parent == self._folder / below] or paths
        paths = [path for path in paths if path.suffix == suffix] or paths
        return paths[0] if len(paths) == 1 else None

    def _name(self, image: Path) -> str:
        """The path of an image from where names start, if it is below."""
        start = self._names_start if image.is_relative_to(self._names_start) else self._folder
        return image.relative_to(start).as_posix() if image.is_relative_to(start) else str(image)

    @cached_property
    def _files(self) -> ImageFolder | None:
        return ImageFolder(self._folder) if self._folder.is_dir() else None

    @cached_property
    def _by_stem(self) -> dict[str, list[Path]]:
        paths: dict[str, list[Path]] = {}
        for path in walk(self._folder, READ_SUFFIXES):
            paths.setdefault(_composed(path.stem), []).append(path)
        return paths


def _remark(xml: Path, written: str, own: str, named: Path | None) -> FileFault:
    written = cut(written, MOST_NAME)
    if named is None:
        return FileFault(
            "renamed-image", str(xml), f"{xml}: filename is {written}, which is not there: {own} is taken."
        )
    return FileFault(
        "stale-filename",
        str(xml),
        f"{xml}: filename is {written}, but {own} is called like the xml file and is taken: correct filename.",
    )


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
