"""An xml file of Pascal VOC: what it says of an image, and where in its bytes the numbers of the boxes are."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_COORDINATE
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets"  # folders of xml files, images, and names
CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAGS = ("difficult", "truncated", "occluded")
KEPT = ("name", *FLAGS, "pose", "bndbox")  # elements of an object that COCO json keeps
MOST_DECIMALS = 17


class Corner(NamedTuple):
    """A coordinate of a box: its text, and where that is in the file, from ``start`` up to ``end``, in bytes."""

    text: str
    start: int
    end: int


@dataclass
class VocObject:
    """An object: where it begins and ends in the file, in bytes, the texts of its direct elements, and its corners."""

    start: int
    end: int = 0
    texts: dict[str, str] = field(default_factory=dict)
    corners: dict[str, Corner] = field(default_factory=dict)


@dataclass
class VocFile:
    """An xml file.

    Attributes:
        path: the file.
        content: its bytes.
        codec: how numbers are written in it.
        texts: file name, width and height, by the path of their elements.
        objects: in the file's order.
        dropped: how many elements and comments there are that COCO json does not keep.
    """

    path: Path
    content: bytes
    codec: str
    texts: dict[str, str] = field(default_factory=dict)
    objects: list[VocObject] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)

    def name_of(self, entry: VocObject) -> str:
        """The class of an object.

        Raises:
            InputError: if it has none.
        """
        name = entry.texts.get("name", "").strip()
        if not name:
            raise InputError(f"{self.path}: an object has no name: give it one.")
        return name

    def size(self) -> tuple[int, int]:
        """Width and height of the image.

        Raises:
            InputError: if they are missing or no size.
        """
        width, height = (_number(self.path, name, self.texts.get(name)) for name in ("size/width", "size/height"))
        for name, value in (("size/width", width), ("size/height", height)):
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{self.path}: {name} is {value}: give a whole number from 1 up.")
        return int(width), int(height)

    def box_of(self, entry: VocObject) -> list[float]:
        """The box of an object, xywh in pixels: corners are 1-based in VOC, and the width is xmax − xmin.

        Raises:
            InputError: if it has no four numbers, or its corners are swapped.
        """
        texts = {corner: entry.corners[corner].text if corner in entry.corners else None for corner in CORNERS}
        x1, y1, x2, y2 = (_number(self.path, f"bndbox/{corner}", text) - 1 for corner, text in texts.items())
        if x2 < x1 or y2 < y1:
            corners = ", ".join(f"{corner} {text}" for corner, text in texts.items())
            raise InputError(
                f"{self.path}: the box of {self.name_of(entry)} has its corners swapped: {corners}: swap them."
            )
        return [x1, y1, x2 - x1, y2 - y1]

    def flags_of(self, entry: VocObject) -> JsonObject:
        """Those of difficult, truncated, occluded and pose that an object has.

        Raises:
            InputError: if a flag is not a number.
        """
        flags: JsonObject = {
            flag: int(_number(self.path, flag, entry.texts[flag])) for flag in FLAGS if flag in entry.texts
        }
        return flags | ({"pose": entry.texts["pose"]} if "pose" in entry.texts else {})

    def with_boxes(self, boxes: Mapping[int, Xywh], removed: Iterable[int] = ()) -> tuple[bytes, int]:
        """The file with other boxes, clipped to the image, and without some objects; all else in it is as it was.

        The corners of an object get as many decimals as they had; whole numbers stay whole.

        Args:
            boxes: the boxes, xywh in pixels, by the index of their objects.
            removed: the indices of the objects to take out, none of them in ``boxes``.

        Returns:
            The bytes, and how many boxes would be empty and were left as they were.
        """
        changes = [(self._start_with_blanks(self.objects[index]), self.objects[index].end, b"") for index in removed]
        kept = 0
        for index, box in boxes.items():
            corners = self.objects[index].corners
            decimals = min(max(_decimals(corner.text) for corner in corners.values()), MOST_DECIMALS)
            texts = self._corners(box, decimals)
            if float(texts[2]) <= float(texts[0]) or float(texts[3]) <= float(texts[1]):
                kept += 1
                continue
            spans = [corners[name] for name in CORNERS]
            changes += [(s.start, s.end, text.encode(self.codec)) for s, text in zip(spans, texts, strict=True)]
        parts, done = [], 0
        for start, end, text in sorted(changes):
            parts += [self.content[done:start], text]
            done = end
        return b"".join([*parts, self.content[done:]]), kept

    def _start_with_blanks(self, entry: VocObject) -> int:
        """Where the blanks before an object begin, which go with it."""
        start, width = entry.start, len("0".encode(self.codec))
        while self.content[start - width : start] in [blank.encode(self.codec) for blank in " \t\r\n"]:
            start -= width
        return start

    def _corners(self, box: Xywh, decimals: int) -> list[str]:
        x, y, width, height = box
        limits = self.size() * 2
        values = (x + 1, y + 1, x + width + 1, y + height + 1)
        return [f"{min(max(value, 1), limit):.{decimals}f}" for value, limit in zip(values, limits, strict=True)]


def read_voc_file(path: Path) -> VocFile:
    """Read an xml file once. One that declares entities is refused: they can grow without bound.

    Raises:
        InputError: if it is missing, unreadable, or not the xml of Pascal VOC.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file: add it, or take its name out of the split.") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): give a file that you may read.") from None
    file = VocFile(path, content, _codec(content))
    reader = _Reader(file)
    try:
        reader.parser.Parse(content, True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InputError(f"{path}: is not xml ({error}): replace the file.") from None
    return file


class _Reader:
    """Takes what expat finds; of repeated elements the first counts."""

    def __init__(self, file: VocFile) -> None:
        self.file = file
        self.tags: list[str] = []
        self.pieces: list[tuple[int, str]] = []
        self.parser = expat.ParserCreate()
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.CommentHandler = self.comment
        self.parser.EntityDeclHandler = self.entity

    def start(self, tag: str, _: object) -> None:
        if not self.tags and tag != "annotation":
            raise InputError(
                f"{self.file.path}: is xml of {tag}, not of Pascal VOC: give files with annotation on top."
            )
        self.tags.append(tag)
        self.pieces = []
        if self.tags[1:] == ["object"]:
            self.file.objects.append(VocObject(self.parser.CurrentByteIndex))

    def text(self, text: str) -> None:
        self.pieces.append((self.parser.CurrentByteIndex, text))

    def end(self, tag: str) -> None:
        match self.tags[1:]:
            case ["filename"] | ["size", "width" | "height"]:
                self.file.texts.setdefault("/".join(self.tags[1:]), "".join(text for _, text in self.pieces))
            case ["object", name]:
                self.file.objects[-1].texts.setdefault(name, "".join(text for _, text in self.pieces))
                if name not in KEPT:
                    self.file.dropped[f"elements {name}"] += 1
            case ["object", "bndbox", name] if name in CORNERS:
                self.file.objects[-1].corners.setdefault(name, self._corner(name))
            case ["object"]:
                mark = ">".encode(self.file.codec)
                self.file.objects[-1].end = self.file.content.index(mark, self.parser.CurrentByteIndex) + len(mark)
            case [name] if name != "size":
                self.file.dropped[f"elements {name}"] += 1
        self.tags.pop()
        self.pieces = []

    def comment(self, _: str) -> None:
        self.file.dropped["comments"] += 1

    def entity(self, name: str, *_: object) -> None:
        raise InputError(f"{self.file.path}: declares entities ({name}), which no VOC file needs: remove them.")

    def _corner(self, name: str) -> Corner:
        """The text of a coordinate and its span: the only piece of text that is not blank."""
        pieces = [(start, text) for start, text in self.pieces if text.strip()]
        written = "".join(text for _, text in pieces).strip()
        if not pieces:
            return Corner("", 0, 0)
        start, text = pieces[0]
        width = len("0".encode(self.file.codec))
        start += width * (len(text) - len(text.lstrip()))
        end = start + width * len(written)
        if self.file.content[start:end] != written.encode(self.file.codec, errors="replace"):
            raise InputError(f"{self.file.path}: bndbox/{name} is {written} in pieces: write it as a plain number.")
        return Corner(written, start, end)


def _codec(content: bytes) -> str:
    """How a digit is written: in one byte, or in two in UTF-16, the only wider encoding that is read."""
    if content.startswith((b"\xff\xfe", b"<\x00")):
        return "utf-16-le"
    return "utf-16-be" if content.startswith((b"\xfe\xff", b"\x00<")) else "ascii"


def _number(path: Path, name: str, text: str | None) -> float:
    """The finite number in an element, an ``int`` where it has no fraction."""
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not abs(value) <= MAX_COORDINATE:
        raise InputError(f"{path}: {name} is {text or 'missing'}: give a number.")
    return int(value) if value.is_integer() else value


def _decimals(number: str) -> int:
    exponent = Decimal(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
