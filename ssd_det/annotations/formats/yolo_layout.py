"""Where the images and labels of a YOLO folder are, as its data.yaml says."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import yaml

from ssd_det.annotations.formats.recognise import find_yaml, looks_like_labels, walk
from ssd_det.annotations.paths import IMAGE_SUFFIXES, normal
from ssd_det.annotations.values import first_of
from ssd_det.errors import InputError

SPLITS = ("train", "val", "validation", "test")
CLASS_LIST = "classes.txt"  # what labelling tools leave beside the labels


class Place(NamedTuple):
    """An image and its label file, which need not exist."""

    image: Path
    label: Path


@dataclass(frozen=True)
class Layout:
    """What a data.yaml says.

    Attributes:
        yaml: the file.
        content: what it holds, every value a text.
        home: the folder that everything is in.
        root: the folder that its entries start from, ``home`` or one in it.
        names: of the classes, by id.
        keypoint_columns: how many columns the keypoints of an object have; ``None`` where there are none.
        only: the folder of labels that was asked for; ``None`` for all of them.
    """

    yaml: Path
    content: dict[str, Any]
    home: Path
    root: Path
    names: dict[int, str]
    keypoint_columns: int | None
    only: Path | None

    def entries(self) -> Iterator[Path]:
        """The folders of images, and the listings of images, of all splits.

        Raises:
            InputError: if one is not there, or not in ``home``.
        """
        named = [(split, entry) for split in SPLITS for entry in _listed(self.content.get(split))]
        if not named:
            raise InputError(f"{self.yaml}: names no images: add train, the folder of the images.")
        for split, entry in named:
            if not isinstance(entry, str):
                raise InputError(f"{self.yaml}: {split} is {entry}: give a folder or a list of folders.")
            # Some exports begin with a folder up that is not meant.
            tries = [normal(self.root / name) for name in dict.fromkeys((entry, entry.removeprefix("../")))]
            found = [path for path in tries if path.exists()]
            if not found:
                raise InputError(
                    f"{self.yaml}: {split} is {entry}, but there is no {tries[0]}: "
                    f"correct path and {split}, or take it out."
                )
            inside = [path for path in found if path.is_relative_to(self.home)]
            if not inside:
                raise InputError(
                    f"{self.yaml}: {split} is {entry}, which is outside of {self.home}: "
                    f"set path to the folder that everything is in."
                )
            yield inside[0]

    def tracked_files(self) -> list[Path]:
        """Every file but the images that the annotations depend on."""
        files = {self.yaml}
        for path in self.entries():
            if path.is_dir():
                files.update(walk(path, (".txt",)), walk(self._label_folder(path), (".txt",)))
            else:
                images = self.listed(path, read_text(path).splitlines())
                files.update((path, *map(self._label_of, images)))
        return sorted(file for file in files if file.is_file())

    def places(self) -> list[Place]:
        """Every image once, in the order of their paths, with its label file.

        Raises:
            InputError: if there are no images, labels without an image, labels of two images, or xml files among them.
        """
        labels: dict[Path, Path] = {}
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
            if labels.setdefault(label, image) != image:
                raise InputError(f"{label}: is the label file of {labels[label].name} and {image.name}: rename one.")
        for folder, of_images in folders.items():
            self._check_labels(folder, of_images, labels)
        places = [Place(image, label) for label, image in labels.items()]
        if not any(self.is_chosen(place) for place in places):
            asked = self.only or self.home
            raise InputError(f"{asked}: there are no images: correct path and train in {self.yaml}.")
        return places

    def is_chosen(self, place: Place) -> bool:
        """Whether an image is of the labels that were asked for."""
        return self.only is None or place.label.is_relative_to(self.only)

    def _check_labels(self, folder: Path, of_images: Path, labels: dict[Path, Path]) -> None:
        """Make sure that a folder holds labels of known images, and no other format."""
        if self.only is not None and not folder.is_relative_to(self.only) and not self.only.is_relative_to(folder):
            return
        xml = next(walk(folder, (".xml",)), None)
        if xml is not None:
            raise InputError(f"{xml}: is xml among YOLO labels: keep one format, and take the files of the other out.")
        orphans = [
            file
            for file in walk(folder, (".txt",))
            if file not in labels and file.name != CLASS_LIST and (folder != of_images or looks_like_labels(file))
        ]
        if orphans:
            more = f", nor for {len(orphans) - 1} more" if len(orphans) > 1 else ""
            raise InputError(
                f"{orphans[0]}: there is no image in {of_images} for this label file{more}: "
                f"add images or remove labels."
            )

    def _label_folder(self, images: Path) -> Path:
        """Where the labels of a folder of images are: in the twin of the last folder named images, or beside them."""
        twin = self._twin(images / "image").parent
        return twin if twin.is_dir() else images

    def _label_of(self, image: Path) -> Path:
        twin, beside = self._twin(image).with_suffix(".txt"), image.with_suffix(".txt")
        return beside if beside.is_file() and not twin.is_file() else twin

    def _twin(self, image: Path) -> Path:
        return self.home / twin_of(image.relative_to(self.home))

    def listed(self, listing: Path, lines: Iterable[str]) -> list[Path]:
        """The images that lines of a text file name.

        Raises:
            InputError: if one is not there, or not in ``home``.
        """
        paths = []
        for line in lines:
            name = line.strip()
            if not name:
                continue
            tries = [normal(folder / name) for folder in (listing.parent, self.root, self.home)]
            found = [path for path in tries if path.is_file() and path.is_relative_to(self.home)]
            if not found:
                raise InputError(f"{listing}: lists {name}, which is not in {self.home}: correct it or take it out.")
            paths.append(found[0])
        return paths


def _listed(value: Any) -> list[Any]:
    """What a setting of data.yaml has, be it one thing, a list, or nothing."""
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry]


def twin_of(place: PurePath) -> PurePath:
    """A path with labels in the place of the last folder named images."""
    parts = list(place.parts)
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == "images":
            parts[index] = "labels"
            break
    return place.__class__(*parts)


def read_layout(path: Path, image_root: str | Path | None = None) -> Layout:
    """Read a data.yaml.

    Args:
        path: the file, its folder, or a folder of labels below.
        image_root: the folder of the images, which has to be given where ``path`` in data.yaml leads out of its folder.

    Raises:
        InputError: if it cannot be used.
    """
    layout = layout_of(path)
    folder = normal(layout.yaml.parent)
    given = None if image_root is None else normal(Path(image_root))
    home = layout.home
    if home != folder and (given is None or not (given.is_relative_to(home) or home.is_relative_to(given))):
        named = layout.content["path"]
        raise InputError(f"{layout.yaml}: path is {named}, which is outside of {folder}: give {home} as image_root.")
    return layout


def layout_of(path: Path) -> Layout:
    """Read a data.yaml, wherever it leads.

    Raises:
        InputError: if it cannot be used.
    """
    file = find_yaml(path)
    content = _content(file)
    folder = normal(file.parent)
    named = content.get("path")
    root = normal(folder / named) if isinstance(named, str) and named else folder
    if not root.is_dir():  # as it was on another machine
        root = folder
    home = folder if root.is_relative_to(folder) else root
    only = normal(path) if path.is_dir() and normal(path) not in (folder, root, home) else None
    return Layout(file, content, home, root, _names(file, content), _keypoint_columns(file, content), only)


def read_text(file: Path) -> str:
    """The text of a file.

    Raises:
        InputError: if there is none.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such file: give the path of a data.yaml.") from None
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}): give a file that you may read.") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not text in UTF-8: save it as such.") from None


def _content(file: Path) -> dict[str, Any]:
    """What a data.yaml holds; every value stays a text, so that a class may be called no."""
    try:
        content = yaml.load(read_text(file), Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise InputError(f"{file}: is not yaml ({' '.join(str(error).split())}): correct it.") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: is no data.yaml of YOLO: give one with train and names.")
    return content


def _names(file: Path, content: dict[str, Any]) -> dict[int, str]:
    names = content.get("names")
    pairs = (
        list(enumerate(names)) if isinstance(names, list) else list(names.items()) if isinstance(names, dict) else []
    )
    if not pairs:
        raise InputError(f"{file}: has no names: add names, the list of the classes.")
    bad = [key for key, name in pairs if not isinstance(name, str) or not name or not str(key).isdecimal()]
    if bad:
        raise InputError(f"{file}: names are not classes by number: correct {first_of(bad)}.")
    return {int(key): name for key, name in pairs}


def _keypoint_columns(file: Path, content: dict[str, Any]) -> int | None:
    shape = content.get("kpt_shape")
    if shape is None:
        return None
    if not isinstance(shape, list) or len(shape) != 2 or not all(str(number).isdecimal() for number in shape):
        raise InputError(f"{file}: kpt_shape is {shape}: give two numbers, keypoints and columns of each.")
    return int(shape[0]) * int(shape[1])
