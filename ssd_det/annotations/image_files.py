"""Finding the image files that an annotation file names, none of them outside the folder of the images."""

import os
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.image_names import leads_up, readings
from ssd_det.annotations.paths import READ_SUFFIXES
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError


def resolve_images(
    coco: CocoFile, image_root: str | Path, allow_outside: bool = False
) -> tuple[dict[int, Path], list[Image]]:
    """Find the files of all images.

    A file name that does not exist under the root is read in the ways of
    :func:`ssd_det.annotations.image_names.readings`, and each of these is looked for: with leading folders dropped one
    by one, as the root may lie deeper than the names start; then under any folder of the root, as it may lie higher.
    Unicode is compared in its composed form.

    Args:
        coco: the annotation file.
        image_root: the folder of the images.
        allow_outside: let absolute file names, and those with ``..``, lead out of it.

    Returns:
        The path of each image that was found, by id, and the images that were not.

    Raises:
        InputError: if ``image_root`` is not a folder, a file name leads out of it and may not, could mean several
            files, or two file names lead to the same file.
    """
    folder = ImageFolder(Path(image_root))
    found, missing = {}, []
    names: dict[str, str] = {}
    for image in coco.images:
        file = _path_of(coco, image, folder.find(image.file_name, allow_outside))
        if file is None:
            missing.append(image)
            continue
        found[image.id] = Path(file)
        path = str(found[image.id])
        if names.setdefault(path, image.file_name) != image.file_name:
            raise InputError(
                f"{coco.path}: image {image.id}: {image.file_name} and {names[path]} both lead to {path}: "
                f"give the folder that the file names start from as image_root."
            )
    return found, missing


def missing_images_error(coco: CocoFile, image_root: str | Path, missing: Collection[Image]) -> InputError:
    """The error that lists images without a file."""
    names = first_of(image.file_name for image in missing)
    some_are_there = len(missing) < len(coco.images)
    further = ", or give skip_missing_images to leave these images out" if some_are_there else ""
    return InputError(
        f"{coco.path}: {len(missing)} of {len(coco.images)} image files are not in {image_root}: {names}: "
        f"correct image_root or file_name{further}."
    )


def left_out_sentence(source: str | Path, image_root: str | Path, missing: Collection[str], count: int) -> str:
    """The line that counts the images that are left out as they are not there.

    Args:
        source: the annotations.
        image_root: where they were looked for.
        missing: their file names.
        count: of all images.
    """
    names = first_of(missing)
    return f"{source}: {len(missing)} of {count} image files are not in {image_root} and are left out: {names}."


class Finding(NamedTuple):
    """The file that a name leads to, or why there is none; without a reason, no file fits.

    Attributes:
        path: of the file.
        several: files that fit equally well.
        leads_out: whether the name leads out of the folder, which was not allowed.
    """

    path: str | None = None
    several: Sequence[str] = ()
    leads_out: bool = False


class ImageFolder:
    """A folder of images, whose files are listed once, and only if a name requires it.

    Symbolic links in it were made by its owner, and are followed wherever they lead.

    Args:
        root: the folder.

    Raises:
        InputError: if it is not a folder.
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"{root}: there is no such folder: give the folder of the images as image_root.")
        self.root = str(root)

    def find(self, file_name: str, allow_outside: bool = False) -> Finding:
        """Find the file that a name leads to; ``allow_outside`` as in :func:`resolve_images`."""
        up = leads_up(file_name)
        if up and not allow_outside:
            return Finding(leads_out=True)
        absolute = file_name.startswith(("/", "\\")) or bool(os.path.splitdrive(file_name)[0])
        if (allow_outside or not absolute) and (path := self._below(file_name)):
            return Finding(path)
        files = [] if up else self._search(file_name)
        if len(files) > 1:
            return Finding(several=files)
        if not files and absolute and self._below(file_name):
            return Finding(leads_out=True)
        return Finding(files[0] if files else None)

    def images(self) -> Iterator[Path]:
        """All files in the folder that are images by their suffix."""
        files = (path for paths in self._files.values() for path in paths)
        return map(Path, _regular(path for path in files if path.lower().endswith(READ_SUFFIXES)))

    def _below(self, file_name: str) -> str | None:
        """The file that a name stands for exactly as it is written."""
        path = os.path.join(self.root, file_name)  # noqa: PTH118  # a Path for each of 118,000 names takes seconds
        return path if os.path.isfile(path) else None  # noqa: PTH113

    def _search(self, file_name: str) -> list[str]:
        """The files that a name may stand for in other ways: none, one, or several that fit equally well."""
        ways = readings(file_name)
        for parts in ways:
            for start in range(len(parts)):
                if files := _regular(self._files.get("/".join(parts[start:]), [])):
                    return files
        for parts in ways:
            if files := _regular(self._ends.get("/".join(parts), [])):
                return files
        return []

    @cached_property
    def _files(self) -> dict[str, list[str]]:
        """Every file by its path from the root."""
        files: dict[str, list[str]] = {}
        for folder, name in self._walk():
            path = f"{folder}/{name}" if folder else name
            files.setdefault(unicodedata.normalize("NFC", path), []).append(f"{self.root}/{path}")
        return files

    @cached_property
    def _ends(self) -> dict[str, list[str]]:
        """Every file in a subfolder by each of the shorter ends of its path."""
        ends: dict[str, list[str]] = {}
        for path, files in self._files.items():
            parts = path.split("/")
            for start in range(1, len(parts)):
                ends.setdefault("/".join(parts[start:]), []).extend(files)
        return ends

    def _walk(self) -> Iterator[tuple[str, str]]:
        """The folder, from the root, and the name of every file; a folder that links lead back to is listed once."""
        seen: set[tuple[int, int]] = set()
        for folder, folders, names in os.walk(self.root, followlinks=True):
            status = os.stat(folder)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in seen:
                folders.clear()
                continue
            seen.add((status.st_dev, status.st_ino))
            folders.sort()
            inside = os.path.relpath(folder, self.root)
            for name in sorted(names):
                yield "" if inside == "." else inside.replace(os.sep, "/"), name


def _regular(paths: Iterable[str]) -> list[str]:
    return [path for path in paths if os.path.isfile(path)]  # noqa: PTH113


def _path_of(coco: CocoFile, image: Image, finding: Finding) -> str | None:
    """The path of the file of an image, ``None`` where there is none.

    Raises:
        InputError: if there are several, or it is outside and may not be.
    """
    if finding.several:
        raise InputError(
            f"{coco.path}: image {image.id}: {image.file_name} could be {first_of(finding.several)}: "
            f"write the folders into file_name, or give the folder that the file names start from as image_root."
        )
    if finding.leads_out:
        raise InputError(
            f"{coco.path}: image {image.id}: {image.file_name} leads out of the image root: "
            f"correct file_name or image_root, or give allow_outside if the file may be read from there."
        )
    return finding.path
