"""What a data.yaml says of its YOLO folder."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ssd_det.annotations.formats.data_yaml import class_names, find_yaml, keypoint_columns, read_data_yaml
from ssd_det.annotations.formats.yolo_entries import SPLITS, Entry, find_folder
from ssd_det.annotations.paths import normal
from ssd_det.annotations.values import MOST_NAME, shown
from ssd_det.errors import InputError
from ssd_det.foreign.shown_text import cut

TRAIN = SPLITS[0]


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

    @cached_property
    def entries(self) -> list[Entry]:
        """The folders of images, and the lists of images, of all splits.

        Raises:
            InputError: if there are none, or one is not in ``dataset_root``.
        """
        entries = [(split, text) for split in SPLITS for text in _as_list(self.content.get(split))]
        if not entries:
            raise InputError(f"{self.yaml}: names no images: add train, the folder of the images.")
        return [self._entry(split, text) for split, text in entries]

    @property
    def missing(self) -> list[Entry]:
        """The entries that are not there."""
        return [entry for entry in self.entries if entry.path is None]

    def paths(self) -> list[Path]:
        """The folders and lists of images that are there.

        Raises:
            InputError: if none is, or train is not, and no part was asked for; it names all that are missing.
        """
        paths = [entry.path for entry in self.entries if entry.path is not None]
        missing = self.missing
        if not paths or (self.chosen_labels is None and any(entry.split == TRAIN for entry in missing)):
            named = " and ".join(f"{entry.split} is {cut(entry.text, MOST_NAME)}" for entry in missing)
            expected = " and no ".join(str(path) for path in dict.fromkeys(entry.expected for entry in missing))
            splits = " and ".join(dict.fromkeys(entry.split for entry in missing))
            raise InputError(
                f"{self.yaml}: {named}, but there is no {expected}: correct path and {splits}, or take out what is "
                f"not there."
            )
        return list(dict.fromkeys(paths))

    def is_chosen(self, label: Path) -> bool:
        """Whether a label file is among those that were asked for."""
        return self.chosen_labels is None or label.is_relative_to(self.chosen_labels)

    def _entry(self, split: str, text: object) -> Entry:
        if not isinstance(text, str):
            raise InputError(f"{self.yaml}: {split} is {shown(text)}: give a folder or a list of folders.")
        path = find_folder(text, self.entries_root, self.dataset_root)
        if path is None and normal(self.entries_root / text).exists():
            raise InputError(
                f"{self.yaml}: {split} is {cut(text, MOST_NAME)}, which is outside of {self.dataset_root}: "
                f"set path to the folder that everything is in."
            )
        return Entry(split, text, path, normal(self.entries_root / text.replace("\\", "/").removeprefix("../")))


def _as_list(value: object) -> list[object]:
    """The entries of a setting in data.yaml, which may be a single entry, a list, or missing."""
    return [entry for entry in (value if isinstance(value, list) else [value]) if entry]


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
        path_entry = cut(layout.content["path"], MOST_NAME)
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
