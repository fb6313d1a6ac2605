"""An xml file of Pascal VOC: what it says of an image, and where in its bytes the numbers of the boxes are."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from xml.parsers import expat

from ssd_det.annotations.formats.voc_encoding import encoding_of, why_not_xml
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_COORDINATE
from ssd_det.errors import InputError
from ssd_det.foreign.regular_files import read_regular
from ssd_det.foreign.shown_text import cut
from ssd_det.ops.box_types import Xywh

ANNOTATIONS, IMAGES, LISTS = "Annotations", "JPEGImages", "ImageSets"  # folders of xml files, images, and names
CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAGS = ("difficult", "truncated", "occluded")
FLAG_TEXTS = {"true": 1, "yes": 1, "false": 0, "no": 0}  # of tools that do not write numbers
KEPT = ("name", *FLAGS, "pose", "bndbox")  # elements of an object that COCO json keeps
MOST_DECIMALS = 17
MOST_BYTES = 4 * 2**20
MOST_LEVELS = 50
MOST_ELEMENTS = 150_000  # about 12,000 objects
MOST_PIECES = 1000  # of a text that is kept: lines, and characters written as &#48;
MOST_LENGTH = 10_000  # characters of it


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
        content: its bytes; UTF-8 where it has an encoding of its own.
        codec: how numbers are written in it.
        encoding: what it must be written in, of those that the parser cannot read; ``None`` where ``content`` is as
            the file is.
        origin: the first pixel of a row, from which corners count: 1, or 0 as some tools write.
        image_size: width and height, where the file does not say them.
        texts: file name, width and height, by the path of their elements.
        objects: in the file's order.
        dropped: how many elements and comments there are that COCO json does not keep.
    """

    path: Path
    content: bytes
    codec: str
    encoding: str | None = None
    origin: int = 1
    image_size: tuple[int, int] | None = None
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
        if self.image_size is not None:
            return self.image_size
        width, height = (_number(self.path, name, self.texts.get(name)) for name in ("size/width", "size/height"))
        for name, value in (("size/width", width), ("size/height", height)):
            if not isinstance(value, int) or value < 1:
                raise InputError(f"{self.path}: {name} is {value}: give a whole number from 1 up.")
        return int(width), int(height)

    def box_of(self, entry: VocObject) -> list[float]:
        """The box of an object, xywh in pixels from 0 up; the width is xmax − xmin.

        Raises:
            InputError: if it has no four numbers, or its corners are swapped.
        """
        texts = {corner: entry.corners[corner].text if corner in entry.corners else None for corner in CORNERS}
        x1, y1, x2, y2 = (_number(self.path, f"bndbox/{corner}", text) - self.origin for corner, text in texts.items())
        if x2 < x1 or y2 < y1:
            corners = ", ".join(f"{corner} {cut(text)}" for corner, text in texts.items())
            raise InputError(
                f"{self.path}: the box of {cut(self.name_of(entry))} has its corners swapped: {corners}: swap them."
            )
        return [x1, y1, x2 - x1, y2 - y1]

    def first_corner(self, entry: VocObject) -> list[float]:
        """``xmin`` and ``ymin`` of an object as the file has them, as far as they are numbers."""
        numbers = [_finite(entry.corners[corner].text) for corner in CORNERS[:2] if corner in entry.corners]
        return [number for number in numbers if number is not None]

    def flags_of(self, entry: VocObject) -> JsonObject:
        """Those of difficult, truncated, occluded and pose that an object has; flags that say nothing are left out."""
        values = {flag: _flag(entry.texts[flag]) for flag in FLAGS if flag in entry.texts}
        flags: JsonObject = {flag: value for flag, value in values.items() if value is not None}
        return flags | ({"pose": entry.texts["pose"]} if "pose" in entry.texts else {})

    def odd_flags(self, entry: VocObject) -> list[str]:
        """The flags of an object that are no numbers."""
        return [flag for flag in FLAGS if flag in entry.texts and _finite(entry.texts[flag]) is None]

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
        content = b"".join([*parts, self.content[done:]])
        return content if self.encoding is None else content.decode().encode(self.encoding), kept

    def _start_with_blanks(self, entry: VocObject) -> int:
        """Where the blanks before an object begin, which go with it."""
        start, width = entry.start, len("0".encode(self.codec))
        while self.content[start - width : start] in [blank.encode(self.codec) for blank in " \t\r\n"]:
            start -= width
        return start

    def _corners(self, box: Xywh, decimals: int) -> list[str]:
        x, y, width, height = box
        limits = self.size() * 2
        values = (value + self.origin for value in (x, y, x + width, y + height))
        return [
            f"{min(max(value, self.origin), limit):.{decimals}f}" for value, limit in zip(values, limits, strict=True)
        ]


def read_voc_file(path: Path) -> VocFile:
    """Read an xml file once. One with declarations of its own, such as entities, is refused: they grow without bound.

    Raises:
        InputError: if it is missing, unreadable, too large, nested too deeply, or not the xml of Pascal VOC.
    """
    if_missing = "add it, or take its name out of the split"
    content = read_regular(path, "Pascal VOC xml file", MOST_BYTES, if_missing)
    try:
        return _parsed(VocFile(path, content, _codec(content)))
    except (expat.ExpatError, LookupError, ValueError) as error:
        encoding = encoding_of(content)
        if encoding is None:
            raise InputError(f"{path}: {why_not_xml(content, error)}.") from None
    try:
        return _parsed(VocFile(path, content.decode(encoding).encode(), "ascii", encoding))
    except (expat.ExpatError, ValueError) as error:
        raise InputError(f"{path}: is not xml ({error}): replace the file.") from None


def _parsed(file: VocFile) -> VocFile:
    _Reader(file).parser.Parse(file.content, True)
    return file


class _Reader:
    """Takes what expat finds; of repeated elements the first counts."""

    def __init__(self, file: VocFile) -> None:
        self.file = file
        self.tags: list[str] = []
        self.pieces: list[tuple[int, str]] = []
        self.elements = 0
        self.parser = expat.ParserCreate(None if file.encoding is None else "utf-8")
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text
        self.parser.CommentHandler = self.comment
        self.parser.StartDoctypeDeclHandler = self.doctype

    def start(self, tag: str, _: object) -> None:
        if not self.tags and tag != "annotation":
            raise InputError(
                f"{self.file.path}: is xml of {cut(tag)}, not of Pascal VOC: give files with annotation on top."
            )
        self.tags.append(tag)
        self.pieces = []
        self.elements += 1
        if len(self.tags) > MOST_LEVELS or self.elements > MOST_ELEMENTS:
            most = f"{MOST_LEVELS} levels" if len(self.tags) > MOST_LEVELS else f"{MOST_ELEMENTS:,} elements"
            raise InputError(f"{self.file.path}: has more than {most}, which no VOC file needs: correct it.")
        if self.tags[1:] == ["object"]:
            self.file.objects.append(VocObject(self.parser.CurrentByteIndex))

    def text(self, text: str) -> None:
        if len(self.pieces) < MOST_PIECES:
            self.pieces.append((self.parser.CurrentByteIndex, text))

    def end(self, tag: str) -> None:
        match self.tags[1:]:
            case ["filename"] | ["size", "width" | "height"]:
                self.file.texts.setdefault("/".join(self.tags[1:]), self.whole_text())
            case ["object", name] if name in KEPT:
                self.file.objects[-1].texts.setdefault(name, self.whole_text())
            case ["object", name]:
                self.file.dropped[f"elements {cut(name)}"] += 1
            case ["object", "bndbox", name] if name in CORNERS:
                self.file.objects[-1].corners.setdefault(name, self._corner(name))
            case ["object"]:
                mark = ">".encode(self.file.codec)
                self.file.objects[-1].end = self.file.content.index(mark, self.parser.CurrentByteIndex) + len(mark)
            case [name] if name != "size":
                self.file.dropped[f"elements {cut(name)}"] += 1
        self.tags.pop()
        self.pieces = []

    def comment(self, _: str) -> None:
        self.file.dropped["comments"] += 1

    def doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: bool) -> None:
        if has_declarations:  # entities, or values of attributes, which can be repeated without bound
            raise InputError(
                f"{self.file.path}: declares entities or the like in its DOCTYPE, which no VOC file needs: remove them."
            )

    def whole_text(self) -> str:
        text = "".join(text for _, text in self.pieces)
        if len(self.pieces) == MOST_PIECES or len(text) > MOST_LENGTH:
            where = "/".join(self.tags[1:])
            raise InputError(f"{self.file.path}: {where} is {cut(text)}, too long to be meant: correct it.")
        return text

    def _corner(self, name: str) -> Corner:
        """The text of a coordinate and its span: the only piece of text that is not blank."""
        pieces = [(start, text) for start, text in self.pieces if text.strip()]
        written = self.whole_text().strip()
        if not pieces:
            return Corner("", 0, 0)
        start, text = pieces[0]
        width = len("0".encode(self.file.codec))
        start += width * (len(text) - len(text.lstrip()))
        end = start + width * len(written)
        if self.file.content[start:end] != written.encode(self.file.codec, errors="replace"):
            raise InputError(
                f"{self.file.path}: bndbox/{name} is {cut(written)} in pieces: write it as a plain number."
            )
        return Corner(written, start, end)


def _codec(content: bytes) -> str:
    """How a digit is written: in one byte, or in two in UTF-16, the only wider encoding that is read."""
    if content.startswith((b"\xff\xfe", b"<\x00")):
        return "utf-16-le"
    return "utf-16-be" if content.startswith((b"\xfe\xff", b"\x00<")) else "ascii"


def _number(path: Path, name: str, text: str | None) -> float:
    """The finite number in an element, an ``int`` where it has no fraction."""
    value = _finite(text or "")
    if value is None:
        raise InputError(f"{path}: {name} is {cut(text or 'missing')}: give a number.")
    return value


def _flag(text: str) -> float | None:
    """The number of a flag; ``None`` where it says nothing."""
    value = _finite(text)
    return FLAG_TEXTS.get(text.strip().lower()) if value is None else value


def _finite(text: str) -> float | None:
    """A finite number, an ``int`` where it has no fraction; ``None`` where a text is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not abs(value) <= MAX_COORDINATE:
        return None
    return int(value) if value.is_integer() else value


def _decimals(number: str) -> int:
    exponent = Decimal(number).as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
