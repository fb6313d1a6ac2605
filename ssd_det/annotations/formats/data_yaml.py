"""Finding and reading the data.yaml of a YOLO folder."""

import re
from collections.abc import Mapping
from pathlib import Path

import yaml

from ssd_det.annotations.paths import normal
from ssd_det.annotations.text_encodings import other_encoding
from ssd_det.annotations.values import first_of, shown
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import open_regular, read_regular
from ssd_det.foreign.yaml_limits import LISTS, PlainLoader, check_keys, check_limits, why_not_yaml

YAML_SUFFIXES = (".yaml", ".yml")
YAML_NAMES = ("data.yaml", "data.yml")
NAMES_LINE = re.compile(rb"^[\"']?names[\"']?\s*:", re.MULTILINE)
MOST_LISTED = 2**28  # bytes of a list of images: millions of them
MOST_DIGITS = 9
LEVELS_ABOVE = 4  # that data.yaml may be above a folder of labels


def find_yaml(path: Path) -> Path:
    """The data.yaml that a path of a YOLO folder belongs to: itself, or the nearest one in or above the folder.

    Raises:
        InputError: if there is none, or there are several.
    """
    if not path.is_dir():
        return path
    start = normal(path)
    for folder in (start, *start.parents)[: LEVELS_ABOVE + 1]:
        files = yamls_in(path if folder == start else folder)
        if len(files) > 1:
            raise InputError(f"{folder}: has {first_of(file.name for file in files)}: give one of them.")
        if files:
            return files[0]
    raise InputError(f"{path}: holds YOLO labels but no data.yaml is in it or above: add one with train and names.")


def yamls_in(folder: Path) -> list[Path]:
    """The data.yaml of a folder; without one, the yaml files there that have names."""
    named = [folder / name for name in YAML_NAMES if (folder / name).exists()]
    others = (file for file in sorted(folder.glob("*")) if file.suffix.lower() in YAML_SUFFIXES)
    return named[:1] or [file for file in others if _has_names(file)]


def _has_names(file: Path) -> bool:
    try:
        with open_regular(file) as opened:
            return NAMES_LINE.search(opened.read(LISTS.size)) is not None
    except OSError:
        return False


def read_text(file: Path, kind: str = "list of images", most: int = MOST_LISTED) -> str:
    """The text of a file.

    Args:
        file: its path.
        kind: what it should be, for errors.
        most: the bytes that it may have.

    Raises:
        InputError: if it is missing, unreadable, too large, or not text.
    """
    content = read_regular(file, kind, most)
    try:
        if (encoding := other_encoding(content)) is not None:
            raise InputError(f"{file}: is {encoding}: save it as UTF-8.")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: is not text in UTF-8: save it as UTF-8.") from None


def read_data_yaml(file: Path) -> dict[str, object]:
    """The content of a data.yaml; every value stays a text, so that a class may be called no.

    Raises:
        InputError: if it cannot be read, is beyond the limits of yaml, has a key twice, or is not a mapping.
    """
    try:
        text = read_text(file, "data.yaml", LISTS.size)
        check_limits(text)
        check_keys(file, yaml.compose(text, Loader=PlainLoader))
        content = yaml.load(text, Loader=PlainLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(f"{file}: {why_not_yaml(error)}: correct it.") from None
    if not isinstance(content, dict):
        raise InputError(f"{file}: is not a data.yaml of YOLO: give one with train and names.")
    return content


def class_names(file: Path, content: Mapping[str, object]) -> dict[int, str]:
    """The names of the classes, by id.

    Raises:
        InputError: if there are none, or they are not names by number.
    """
    names = content.get("names")
    pairs = (
        list(enumerate(names)) if isinstance(names, list) else list(names.items()) if isinstance(names, dict) else []
    )
    if not pairs:
        raise InputError(f"{file}: has no names: add names, the list of the classes.")
    invalid = [key for key, name in pairs if not isinstance(name, str) or not name or not _is_whole(str(key))]
    if invalid:
        raise InputError(f"{file}: names are not classes by number: correct {first_of(invalid)}.")
    return {int(key): name for key, name in pairs}


def keypoint_columns(file: Path, content: Mapping[str, object]) -> int | None:
    """How many columns the keypoints of an object have; ``None`` where there are no keypoints.

    Raises:
        InputError: if ``kpt_shape`` is not two numbers.
    """
    shape = content.get("kpt_shape")
    if shape is None:
        return None
    if not isinstance(shape, list) or len(shape) != 2 or not all(_is_whole(str(number)) for number in shape):
        raise InputError(f"{file}: kpt_shape is {shown(shape)}: give two numbers, keypoints and columns of each.")
    return int(shape[0]) * int(shape[1])


def _is_whole(text: str) -> bool:
    """Whether a text is a whole number from 0 up, no longer than people count."""
    return text.isdecimal() and len(text) <= MOST_DIGITS
