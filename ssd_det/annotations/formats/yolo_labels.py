"""The lines of YOLO label files: class, centre and size of a box as shares of the image, and further columns."""

import math
import re
from collections.abc import Container, Mapping
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.coco import Image
from ssd_det.errors import InputError
from ssd_det.ops.box_types import Xywh

COLUMNS_KEY = "yolo_columns"  # of an annotation in COCO: what stands behind its box in the line
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
LABEL_LINE = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+(?:\.0*)?(?:[ \t]+[-+.\deE]+){4,}[ \t]*(?:[\r\n]|$)")
SNIFFED = 4096  # bytes
COLUMN = re.compile(rb"\S+")
BOX_COLUMNS = 5
LEAST_POLYGON = 7  # a class and three points; one column after the box is a confidence
LEAST_DECIMALS, MOST_DECIMALS = 6, 17
ROUNDING = 1e-6  # what writers of single precision are off by at the edge of an image


class Label(NamedTuple):
    """A line of a label file.

    Attributes:
        class_id: the class.
        values: centre x, centre y, width and height of the box as shares of the image, or the points of a polygon.
        spans: start and end of the four numbers of the box in the file, in bytes; empty for a polygon.
        columns: the columns behind the box, separated by spaces.
    """

    class_id: int
    values: tuple[float, ...]
    spans: tuple[tuple[int, int], ...]
    columns: str

    @property
    def is_polygon(self) -> bool:
        """Whether the line outlines the object instead of giving a box."""
        return not self.spans

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
        with file.open("rb") as opened:
            return LABEL_LINE.match(opened.read(SNIFFED)) is not None
    except OSError:
        return False


def parse_labels(path: Path, content: bytes, classes: Container[int], keypoint_columns: int | None) -> list[Label]:
    """The lines of a label file.

    Args:
        path: the file, for errors.
        content: its bytes.
        classes: the ids of the classes.
        keypoint_columns: how many columns the keypoints of an object have; ``None`` where there are no keypoints.

    Raises:
        InputError: if a line has the wrong number of columns, an unknown class or values outside [0, 1].
    """
    labels, start = [], len(BYTE_ORDER_MARK) if content.startswith(BYTE_ORDER_MARK) else 0
    for number, line in enumerate(content[start:].splitlines(keepends=True), start=1):
        columns = list(COLUMN.finditer(line))
        if columns:
            labels.append(_label(f"{path}: line {number}", columns, start, classes, keypoint_columns))
        start += len(line)
    return labels


def _label(
    where: str, columns: list[re.Match[bytes]], start: int, classes: Container[int], keypoint_columns: int | None
) -> Label:
    count = len(columns)
    with_keypoints = BOX_COLUMNS + (keypoint_columns or 0)
    if count < BOX_COLUMNS or (keypoint_columns is not None and count not in (BOX_COLUMNS, with_keypoints)):
        raise InputError(
            f"{where}: has {count} columns: give class, centre x, centre y, width and height"
            + (f", and {keypoint_columns} for the keypoints." if keypoint_columns else ".")
        )
    class_id = _number(where, columns[0])
    if class_id != class_id // 1 or int(class_id) not in classes:
        raise InputError(f"{where}: class {_text(columns[0])} is not among the names of data.yaml: add or correct it.")
    polygon = keypoint_columns is None and count >= LEAST_POLYGON and count % 2 == 1
    numbers = columns[1:] if polygon else columns[1:BOX_COLUMNS]
    values = tuple(_number(where, column) for column in numbers)
    for column, value in zip(numbers, values, strict=True):
        if not -ROUNDING <= value <= 1 + ROUNDING:
            raise InputError(
                f"{where}: {_text(column)} is outside [0, 1]: give shares of the image's width and height."
            )
    if polygon:
        return Label(int(class_id), values, (), "")
    spans = tuple((start + column.start(), start + column.end()) for column in numbers)
    return Label(int(class_id), values, spans, " ".join(_text(column) for column in columns[BOX_COLUMNS:]))


def with_label_boxes(content: bytes, labels: list[Label], boxes: Mapping[int, Xywh], image: Image) -> tuple[bytes, int]:
    """Put other boxes into a label file; all else in it stays as it is.

    A box that the format cannot hold, with a value outside [0, 1], is clipped to the image. The numbers of a line get
    as many decimals as they had, at least six.

    Args:
        content: the file.
        labels: its lines.
        boxes: the boxes, xywh in pixels, by the index of their lines.
        image: the image of the file.

    Returns:
        The file, and how many boxes would be empty and were left as they were.
    """
    parts, done, kept = [], 0, 0
    for index, box in sorted(boxes.items()):
        spans = labels[index].spans
        decimals = max(-_exponent(content[first:last]) for first, last in spans)
        numbers = numbers_of(box, image, min(max(decimals, LEAST_DECIMALS), MOST_DECIMALS))
        if numbers is None:
            kept += 1
            continue
        for (first, last), number in zip(spans, numbers, strict=True):
            parts += [content[done:first], number.encode()]
            done = last
    return b"".join([*parts, content[done:]]), kept


def numbers_of(box: Xywh, image: Image, decimals: int) -> list[str] | None:
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


def _exponent(number: bytes) -> int:
    """The power of ten of the last digit of a number."""
    exponent = Decimal(number.decode()).as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _number(where: str, column: re.Match[bytes]) -> float:
    try:
        value = float(column[0])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InputError(f"{where}: {_text(column)} is not a number: give numbers, separated by spaces.")
    return value


def _text(column: re.Match[bytes]) -> str:
    return column[0].decode(errors="replace")
