"""Telling what the rows of YOLO label files are, by all rows of a folder: one row alone may be read in several ways."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ssd_det.annotations.text_encodings import wide_encoding

RowKind = Literal["boxes", "polygons", "obb", "pose"]

BOX, TRIANGLE, CORNERS = 4, 6, 8  # numbers of a box, of the smallest polygon, and of an oriented box
TRIANGLE_AND_COLUMN = TRIANGLE + 1
LEAST, MOST = -0.01, 1.01  # what YOLO's trainers take for a share of the image
SEVERAL = 3  # rows that agree by no chance
VISIBILITIES = (0, 1, 2)  # of keypoints
FAR = 1.5  # of the extent of points: no corner of a parallelogram is so far from the three others
HOW_TO_SAY = "say which with --yolo_rows boxes, polygons, obb or pose"


class RowError(ValueError):
    """What is wrong with a row, and how to fix it.

    Attributes:
        kind: of :data:`ssd_det.doctor.faults.KINDS`.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class Shape(NamedTuple):
    """What a row describes an object by.

    Attributes:
        numbers: how many of the numbers behind the class; the others are further columns.
        is_polygon: whether they are points, not centre and size of a box.
    """

    numbers: int
    is_polygon: bool


@dataclass
class _Endings:
    """What the last two of an even count of numbers are, as far as rows can be read in one way alone.

    Attributes:
        points: there are rows that only have points.
        columns: there are rows that can only end in a confidence and a track id.
        open_rows: how many rows can be both.
        plain: whether in all of these only the end is written as a whole number.
        ends: the ends of these.
    """

    points: bool = False
    columns: bool = False
    open_rows: int = 0
    plain: bool = True
    ends: set[float] = field(default_factory=set)

    def add(self, texts: Sequence[bytes]) -> None:
        """Take in the numbers of a row, as they are written."""
        if self.points and not _may_be_whole(texts):
            return  # nothing new, and most of the work of a folder of polygons
        numbers = numbers_of(texts)
        points, columns = _fit_points(numbers), _end_in_columns(numbers)
        self.points |= points and not columns
        self.columns |= columns and not points
        if points and columns:
            self.open_rows += 1
            self.ends.add(numbers[-1])
            self.plain &= texts[-1].isdigit() and not any(text.isdigit() for text in texts[:-1])

    @property
    def are_columns(self) -> bool | None:
        """Whether rows that can be both end in columns; ``None`` where nothing tells."""
        if self.points != self.columns:
            return self.columns
        # Points that all lie on opposite edges of their images, and are written unlike all others, are none.
        agree = self.plain and self.open_rows >= SEVERAL and len(self.ends) > 1
        return True if agree and not self.points else None


@dataclass
class _Poses:
    """Whether all longer rows look like boxes with keypoints, where data.yaml has no ``kpt_shape``."""

    count: int | None = None
    possible: bool = True
    flags: bool = True
    inside: bool = True
    rows: int = 0
    sizes: int = 0

    def add(self, texts: Sequence[bytes]) -> None:
        """Take in the numbers of a row, as they are written."""
        self.count = self.count or len(texts)
        self.possible &= self.count == len(texts) and (self.flags or self.inside)
        if not self.possible:
            return
        numbers = numbers_of(texts)
        points = numbers[BOX:]
        flags = points[2::3]
        self.flags &= len(points) % 3 == 0 and all(flag in VISIBILITIES for flag in flags)
        self.flags &= not all(number.is_integer() for number in numbers)
        self.inside &= len(points) % 2 == 0 and _are_inside(numbers[:BOX], points)
        self.rows += 1
        self.sizes += self.inside and _is_far(numbers[2:BOX], numbers[:2] + points)

    @property
    def likely(self) -> bool:
        """Whether all rows have flags of visibility, or are boxes around their points."""
        return self.rows > 0 and self.possible and (self.flags or (self.inside and 4 * self.sizes > self.rows))


@dataclass
class RowReader:
    """Reads rows of label files as the rows of the whole folder, ``kpt_shape`` and the user say.

    Attributes:
        keypoint_columns: how many columns the keypoints of an object have; ``None`` where there are none.
        told: what longer rows are; ``None`` where the rows themselves have to tell.
    """

    keypoint_columns: int | None = None
    told: RowKind | None = None
    _short: _Endings = field(default_factory=_Endings)  # of rows of six numbers: triangles, or boxes with two columns
    _long: _Endings = field(default_factory=_Endings)  # of polygons of four points and more
    _poses: _Poses = field(default_factory=_Poses)
    _scored_boxes: bool = False
    _scored_polygons: bool = False

    def learn(self, contents: Iterable[bytes]) -> None:
        """Look at the rows of all label files of a folder that can be read."""
        if self.keypoint_columns is not None or self.told not in (None, "polygons"):
            return
        for content in contents:
            if wide_encoding(content) is not None:
                continue
            for line in content.splitlines():
                texts = line.split()[1:]
                count = len(texts)
                self._scored_boxes |= count == BOX + 1
                self._scored_polygons |= count > TRIANGLE_AND_COLUMN and count % 2 == 1
                if count > TRIANGLE:
                    self._poses.add(texts)
                if count >= TRIANGLE and count % 2 == 0:
                    (self._short if count == TRIANGLE else self._long).add(texts)

    def shape_of(self, texts: Sequence[bytes]) -> Shape:
        """What a row describes its object by.

        Args:
            texts: what is behind the class.

        Raises:
            RowError: if it has a wrong number of columns, or may be read in several ways.
        """
        count = len(texts)
        if self.told is None and self.keypoint_columns is not None:
            if count not in _pose_counts(self.keypoint_columns):
                raise _wrong_count(count, f", and {self.keypoint_columns} for the keypoints")
            return Shape(BOX, False)
        if count < BOX:
            raise _wrong_count(count)
        if count <= BOX + 1 or self.told in ("boxes", "pose"):
            return Shape(BOX, False)
        if self.told == "obb":
            if not CORNERS <= count <= CORNERS + 2:
                raise _wrong_count(count, ", or class and four corners")
            return Shape(CORNERS, True)
        if self.told is None and self._poses.likely and count > TRIANGLE:
            text = f"has {count + 1} columns, which may be a box with keypoints or a polygon"
            raise RowError("ambiguous-row", f"{text}: add kpt_shape to data.yaml, or {HOW_TO_SAY}.")
        return self._triangle(texts) if count <= TRIANGLE_AND_COLUMN else self._polygon(texts)

    def _triangle(self, texts: Sequence[bytes]) -> Shape:
        """A triangle or a box with columns, of six or seven numbers."""
        points = Shape(TRIANGLE, True)
        other_polygons = self._scored_polygons or self._long.points
        if self.told == "polygons":
            return points
        if len(texts) == TRIANGLE_AND_COLUMN:
            if other_polygons or self._long.columns or self._short.points:
                return points
            ways = "a box with three more columns or a triangle with one"
        else:
            numbers = numbers_of(texts)
            if not (_fit_points(numbers) and _end_in_columns(numbers)):
                return Shape(BOX, False) if _end_in_columns(numbers) else points
            columns = self._short.are_columns
            if columns is None and other_polygons != self._scored_boxes:
                columns = self._scored_boxes
            if columns is not None:
                return Shape(BOX, False) if columns else points
            ways = "a box with confidence and track id or a triangle"
        raise RowError("ambiguous-row", f"has {len(texts) + 1} columns, which may be {ways}: {HOW_TO_SAY}.")

    def _polygon(self, texts: Sequence[bytes]) -> Shape:
        """A polygon of at least four points, perhaps with a confidence, a track id, or both behind it."""
        count = len(texts)
        if count % 2 == 1:
            (last,) = numbers_of(texts[-1:])
            if not (_is_share(last) or _is_id(last)):
                text = f"ends in {texts[-1].decode(errors='replace')}, which is neither a confidence nor a track id"
                raise RowError("bad-row", f"{text}: give a class and an even count of numbers.")
            return Shape(count - 1, True)
        numbers = numbers_of(texts) if _may_be_whole(texts) else []
        if not numbers or not _end_in_columns(numbers):
            return Shape(count, True)
        if not _fit_points(numbers):
            return Shape(count - 2, True)
        columns = self._long.are_columns
        if columns is None and (self.told == "polygons" or _extent(numbers) == _extent(numbers[:-2])):
            columns = False
        if columns is None:
            ways = f"a polygon of {count // 2} points or one of {count // 2 - 1} with confidence and track id"
            raise RowError(
                "ambiguous-row",
                f"has {count + 1} columns, which may be {ways}: {HOW_TO_SAY}.",
            )
        return Shape(count - 2 if columns else count, True)


def numbers_of(texts: Iterable[bytes]) -> list[float]:
    """Numbers as they are written; NaN for what is none."""
    numbers = []
    for text in texts:
        try:
            numbers.append(float(text))
        except ValueError:
            numbers.append(float("nan"))
    return numbers


def _is_share(number: float) -> bool:
    """Whether a number is a share of an image's width or height, as YOLO's trainers take it."""
    return LEAST <= number <= MOST


def _pose_counts(keypoint_columns: int) -> tuple[int, ...]:
    """How many numbers a row may have where objects have keypoints: confidence and track id may follow them."""
    return BOX, *(BOX + keypoint_columns + further for further in range(3))


def _wrong_count(count: int, more: str = "") -> RowError:
    return RowError("bad-row", f"has {count + 1} columns: give class, centre x, centre y, width and height{more}.")


def _may_be_whole(texts: Sequence[bytes]) -> bool:
    """Whether one of the last two numbers may be an id; quicker than reading all of them."""
    return any(number.is_integer() for number in numbers_of(texts[-2:]))


def _fit_points(numbers: Sequence[float]) -> bool:
    return all(map(_is_share, numbers))


def _end_in_columns(numbers: Sequence[float]) -> bool:
    """Whether the last two numbers may be a confidence and a track id, or behind a box the other way round."""
    *shape, confidence, track = numbers
    if not all(map(_is_share, shape)):
        return False
    if len(shape) > BOX:
        return _is_share(confidence) and _is_id(track)
    in_order = _is_share(confidence) and _is_id(track)
    return min(shape[2:]) > 0 and (in_order or (_is_id(confidence) and confidence > 1 and _is_share(track)))


def _is_id(number: float) -> bool:
    return number >= 0 and number.is_integer()


def _extent(points: Sequence[float]) -> tuple[float, float, float, float]:
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def _are_inside(box: Sequence[float], points: Sequence[float]) -> bool:
    """Whether points lie in a box of centre and size."""
    x, y, width, height = box
    left, top, right, bottom = _extent(points)
    return x - width / 2 <= left and right <= x + width / 2 and y - height / 2 <= top and bottom <= y + height / 2


def _is_far(point: Sequence[float], others: Sequence[float]) -> bool:
    """Whether a point is much further from all others than these are from each other, so that it is rather a size."""
    left, top, right, bottom = _extent(others)
    width, height = FAR * (right - left), FAR * (bottom - top)
    return not (left - width <= point[0] <= right + width and top - height <= point[1] <= bottom + height)
