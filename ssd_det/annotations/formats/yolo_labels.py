"""The lines of YOLO label files: class, box or polygon as shares of the image, and further columns."""

import math
import re
from collections.abc import Container, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.coco import Image
from ssd_det.annotations.formats.file_faults import FileFault, OnFault, refuse
from ssd_det.annotations.formats.yolo_rows import LEAST, MOST, RowError, RowReader, numbers_of
from ssd_det.annotations.text_encodings import wide_encoding
from ssd_det.foreign.regular_files import open_regular
from ssd_det.foreign.shown_text import cut
from ssd_det.ops.box_types import Xywh

COLUMNS_KEY = "yolo_columns"  # of an annotation in COCO: what stands behind its box in the line
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LABEL_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+(?:\.0*)?(?:[ \t]+[-+.\deE]+){4,}[ \t]*(?:[\r\n]|$)")
SNIFFED = 4096  # bytes
MOST_BYTES = 2**25  # of a file
MOST_ROWS = 20_000  # of a file
MOST_LINE = 2**20  # of a row, which is 50,000 points
COLUMN = re.compile(rb"\S+")
LEAST_DECIMALS, MOST_DECIMALS = 6, 17
NEAR = 0.5  # of the image's size: further out, numbers are not those of an object at its edge


class Label(NamedTuple):
    """A line of a label file.

    Attributes:
        class_id: the class.
        values: centre x, centre y, width and height of the box as shares of the image, or the points of a polygon.
        is_polygon: whether the line outlines the object instead of giving a box.
        spans: start and end of each of the values in the file, in bytes.
        columns: the columns behind the values, separated by spaces.
        line: start and end of the line in the file, in bytes, with its line end.
    """

    class_id: int
    values: tuple[float, ...]
    is_polygon: bool
    spans: tuple[tuple[int, int], ...]
    columns: str
    line: tuple[int, int]

    @property
    def is_off(self) -> bool:
        """Whether a value is such as trainers of YOLO do not take."""
        return not all(LEAST <= value <= MOST for value in self.values)

    def points(self, image: Image) -> list[float]:
        """The points of a polygon in pixels, x, y, x, y, ..."""
        return [value * (image.height if index % 2 else image.width) for index, value in enumerate(self.values)]

    def box(self, image: Image) -> Xywh:
        """The box, or that around the polygon, xywh in pixels."""
        if self.is_polygon:
            points = self.points(image)
            left, top = min(points[::2]), min(points[1::2])
            return Xywh((left, top, max(points[::2]) - left, max(points[1::2]) - top))
        x, y, width, height = self.values
        left, top = (x - width / 2) * image.width, (y - height / 2) * image.height
        return Xywh((left, top, width * image.width, height * image.height))


def looks_like_labels(file: Path) -> bool:
    """Whether a text file begins with a line of YOLO labels."""
    try:
        with open_regular(file) as opened:
            return LABEL_LINE.match(opened.read(SNIFFED)) is not None
    except OSError:
        return False


def parse_labels(
    path: Path, content: bytes, classes: Container[int], reader: RowReader, on_fault: OnFault = refuse
) -> list[Label]:
    """The rows of a label file.

    Args:
        path: the file, for errors.
        content: its bytes.
        classes: the ids of the classes.
        reader: knows the rows of the whole folder.
        on_fault: what to do with a row that has a wrong number of columns, an unknown class or numbers that are no
            shares of the image, and with a file in UTF-16. Where it returns, the row or file is left out, but for a
            row whose box still is near the image.
    """
    if (encoding := wide_encoding(content)) is not None:
        on_fault(FileFault("wide-encoding", str(path), f"{path}: is {encoding}: save it as UTF-8."))
        return []
    lines = content.removeprefix(BYTE_ORDER_MARK).splitlines(keepends=True)
    if len(lines) > MOST_ROWS:
        sentence = f"{path}: has more than {MOST_ROWS:,} rows, which no image needs: correct it."
        on_fault(FileFault("bad-row", str(path), sentence))
        return []
    labels, start = [], len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    for number, line in enumerate(lines, start=1):
        columns = list(COLUMN.finditer(line[:MOST_LINE]))
        if columns:
            where = f"{path}: line {number}"
            try:
                if len(line) > MOST_LINE:
                    raise RowError("bad-row", f"has more than {MOST_LINE:,} characters: give a row for each object.")
                label = _label(columns, start, len(line), classes, reader)
                outside, near = _outside(label, columns), _is_near(label)
                if outside:
                    text = f"{outside} is outside [0, 1]: give shares of the image's width and height."
                    on_fault(FileFault("outside-shares" if near else "not-shares", where, f"{where}: {text}"))
                if near or not outside:
                    labels.append(label)
            except RowError as error:
                on_fault(FileFault(error.kind, where, f"{where}: {error}"))
        start += len(line)
    return labels


def _label(
    columns: list[re.Match[bytes]], start: int, length: int, classes: Container[int], reader: RowReader
) -> Label:
    """A row.

    Args:
        columns: of it.
        start: where it begins in the file, in bytes.
        length: how many bytes it has, with its line end.
        classes: the ids of the classes.
        reader: knows the rows of the whole folder.

    Raises:
        RowError: if it has a wrong number of columns, an unknown class, or text for numbers.
    """
    shape = reader.shape_of([column[0] for column in columns[1:]])
    class_id = _number(columns[0])
    if class_id != class_id // 1 or int(class_id) not in classes:
        text = f"class {_text(columns[0])} is not among the names of data.yaml"
        raise RowError("unknown-class", f"{text}: add or correct it.")
    numbers, rest = columns[1 : shape.numbers + 1], columns[shape.numbers + 1 :]
    return Label(
        class_id=int(class_id),
        values=tuple(map(_number, numbers)),
        is_polygon=shape.is_polygon,
        spans=tuple((start + column.start(), start + column.end()) for column in numbers),
        columns=" ".join(column[0].decode(errors="replace") for column in rest),
        line=(start, start + length),
    )


def _outside(label: Label, columns: list[re.Match[bytes]]) -> str | None:
    """The first number of a row that is no share of the image, as it is written; ``None`` where there is none."""
    least = [0.0 if index in (2, 3) and not label.is_polygon else LEAST for index in range(len(label.values))]
    rows = zip(columns[1:], label.values, least, strict=False)
    return next((_text(column) for column, value, low in rows if not low <= value <= MOST), None)


def _is_near(label: Label) -> bool:
    """Whether a row describes an object at the edge of its image at most, so that there is something to clip it to."""
    x, y, width, height = label.box(Image(0, "", 1, 1))
    shows = min(width, height) >= 0 and x < 1 and y < 1 and x + width > 0 and y + height > 0
    return shows and all(-NEAR <= value <= 1 + NEAR for value in label.values)


def with_label_boxes(
    content: bytes, labels: list[Label], boxes: Mapping[int, Xywh], image: Image, removed: Container[int] = ()
) -> tuple[bytes, int]:
    """Put other boxes into a label file, and take lines out; all else in it stays as it is.

    A box that the format cannot hold, with a value outside [0, 1], is clipped to the image. The numbers of a line get
    as many decimals as they had, at least six. Of a polygon only the points outside the image change, onto its edge.

    Args:
        content: the file.
        labels: its lines.
        boxes: the boxes, xywh in pixels, by the index of their lines.
        image: the image of the file.
        removed: the indices of the lines to take out.

    Returns:
        The file, and how many boxes would be empty and were left as they were.
    """
    parts, done, kept = [], 0, 0
    for index, label in enumerate(labels):
        if index in removed:
            parts.append(content[done : label.line[0]])
            done = label.line[1]
        elif index in boxes:
            numbers = _new_texts(content, label, boxes[index], image)
            if numbers is None:
                kept += 1
                continue
            for (first, last), number in zip(label.spans, numbers, strict=True):
                parts += [content[done:first], number.encode()]
                done = last
    return b"".join([*parts, content[done:]]), kept


def _new_texts(content: bytes, label: Label, box: Xywh, image: Image) -> list[str] | None:
    """The numbers of a line with another box; ``None`` where nothing of it would be left in the image."""
    old = [content[first:last] for first, last in label.spans]
    if label.is_polygon:
        pairs = zip(old, label.values, strict=True)
        return [text.decode() if 0 <= value <= 1 else str(int(value > 1)) for text, value in pairs]
    decimals = max(map(_decimals, old))
    return texts_of(box, image, min(max(decimals, LEAST_DECIMALS), MOST_DECIMALS))


def texts_of(box: Xywh, image: Image, decimals: int) -> list[str] | None:
    """Centre and size of a box as shares of an image, clipped if it must be; ``None`` where nothing would be left."""
    values = shares(box, image)
    if not all(0 <= value <= 1 for value in values):
        left, top = min(max(box[0], 0), image.width), min(max(box[1], 0), image.height)
        right, bottom = (min(max(box[axis] + box[axis + 2], 0), (image.width, image.height)[axis]) for axis in (0, 1))
        values = shares(Xywh((left, top, right - left, bottom - top)), image)
    texts = [f"{value:.{decimals}f}" for value in values]
    return texts if min(map(float, texts[2:])) > 0 else None


def shares(box: Xywh, image: Image) -> tuple[float, float, float, float]:
    """Centre x, centre y, width and height of a box xywh in pixels, as shares of the image."""
    x, y, width, height = box
    return (
        (x + width / 2) / image.width,
        (y + height / 2) / image.height,
        width / image.width,
        height / image.height,
    )


def _decimals(number: bytes) -> int:
    exponent = Decimal(number.decode()).as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def _number(column: re.Match[bytes]) -> float:
    (value,) = numbers_of([column[0]])
    if not math.isfinite(value):
        raise RowError("bad-row", f"{_text(column)} is not a number: give numbers, separated by spaces.")
    return value


def _text(column: re.Match[bytes]) -> str:
    return cut(column[0].decode(errors="replace"))
