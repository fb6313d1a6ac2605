"""What an xml file of Pascal VOC says of an image, where in its bytes the boxes are, and the same with other boxes."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MAX_COORDINATE
from ssd_det.errors import InputError
from ssd_det.foreign.shown_text import cut
from ssd_det.ops.box_types import Xywh

CORNERS = ("xmin", "ymin", "xmax", "ymax")
FLAGS = ("difficult", "truncated", "occluded")
FLAG_TEXTS = {"true": 1, "yes": 1, "false": 0, "no": 0}  # of tools that do not write numbers
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
