"""Image files against what the annotation file says of them; only their headers are read, no picture is decoded."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ssd_det.annotations.image_files import Finding, ImageFolder
from ssd_det.annotations.stored_pixels import UNREADABLE, is_too_large, other_format, read_header
from ssd_det.annotations.values import SHOWN_FAULTS
from ssd_det.console import bar
from ssd_det.doctor.arrays import Booleans, Floats, Integers
from ssd_det.doctor.box_faults import TOLERANCE
from ssd_det.doctor.columns import NOT_FOUND, Columns, all_in_row, limits_of
from ssd_det.doctor.faults import Fault
from ssd_det.ops.exif_turns import FIRST_SIDEWAYS, turned_boxes

MANY_FILES = 2_000  # reading them takes some seconds


@dataclass(frozen=True)
class Headers:
    """What the image files say.

    Attributes:
        findings: the file of each image, or why there is none.
        size: ``[M, 2]``, width and height of the stored pixels, NaN where the header cannot be read.
        orientation: ``[M]``, from EXIF, 1 where there is none.
        too_large: ``[M]``, whether a file has more pixels than are read.
        folder: of the images.
        names_turned: whether pictures that EXIF turns are a fault, as nobody said where their boxes are.
    """

    findings: list[Finding]
    size: Floats
    orientation: Integers
    too_large: Booleans
    folder: ImageFolder
    names_turned: bool

    @property
    def has_backslash(self) -> Booleans:
        """``[M]``, whether the file itself is called by a name with backslashes."""
        paths = [(finding.path or "").removeprefix(self.folder.root) for finding in self.findings]
        return np.array(["\\" in path for path in paths], dtype=bool)

    def of(self, kept: Booleans) -> "Headers":
        """Those of the images that are kept."""
        findings = [finding for finding, is_kept in zip(self.findings, kept.tolist(), strict=True) if is_kept]
        return replace(
            self,
            findings=findings,
            size=self.size[kept],
            orientation=self.orientation[kept],
            too_large=self.too_large[kept],
        )


class HeaderRow(NamedTuple):
    """What one image file says: its size in pixels, NaN where it cannot be read, and its EXIF orientation."""

    width: float = np.nan
    height: float = np.nan
    orientation: int = 1
    too_large: bool = False


def read_headers(
    columns: Columns, image_root: str | Path, allow_outside: bool = False, names_turned: bool = False
) -> Headers:
    """Read the headers of all images; see :func:`ssd_det.annotations.image_files.resolve_images`.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    folder = ImageFolder(Path(image_root))
    findings = [Finding() if name is None else folder.find(name, allow_outside) for name in columns.file_names]
    headers = [_read_header(finding.path) for finding in bar(findings, "image files", long=MANY_FILES)]
    table = np.array(headers, dtype=float).reshape(-1, len(HeaderRow._fields))
    orientation, too_large = table[:, 2].astype(np.int64), table[:, 3].astype(bool)
    return Headers(findings, table[:, :2], orientation, too_large, folder, names_turned)


def _read_header(path: str | None) -> HeaderRow:
    if path is None:
        return HeaderRow()
    try:
        return HeaderRow(*read_header(path))
    except UNREADABLE as error:
        return HeaderRow(too_large=is_too_large(error))


def find_files(columns: Columns, headers: Headers, lost: int = 0) -> None:
    """Find files that are missing, that two images share, that cannot be read, and that no image names.

    Args:
        columns: of the file.
        headers: of the image files.
        lost: how many rows and files of a folder could not be read, which may name as many images.
    """
    named = np.array([name is not None for name in columns.file_names], dtype=bool)
    exists = np.array([finding.path is not None for finding in headers.findings], dtype=bool)
    outside = np.array([finding.leads_out for finding in headers.findings], dtype=bool)
    ambiguous = np.array([bool(finding.several) for finding in headers.findings], dtype=bool)
    columns.add_fault("missing-file", "images", named & ~exists & ~outside & ~ambiguous, "file_name")
    columns.add_fault("outside-file", "images", outside, "file_name")
    columns.add_fault("ambiguous-name", "images", ambiguous, "file_name")
    name_of: dict[str, str | None] = {}
    shared = [
        index
        for index, (finding, name) in enumerate(zip(headers.findings, columns.file_names, strict=True))
        if finding.path is not None and name_of.setdefault(finding.path, name) != name
    ]
    columns.add_fault("shared-file", "images", shared, "file_name")
    unreadable = exists & np.isnan(headers.size[:, 0])
    _find_formats(columns, headers, unreadable & ~headers.too_large)
    columns.add_fault("huge-image", "images", headers.too_large, "file_name")
    identities = set(map(_identity, name_of))
    files = (path for path in headers.folder.images() if _identity(path) not in identities)
    unnamed = sorted(str(path.relative_to(headers.folder.root)) for path in files)
    if len(unnamed) > lost:
        examples = [{"file_name": name} for name in unnamed[:SHOWN_FAULTS]]
        columns.faults.append(Fault("unnamed-file", len(unnamed), examples))


def _find_formats(columns: Columns, headers: Headers, unreadable: Booleans) -> None:
    """Find files that cannot be read, and among them those that are something else than their name says."""
    others = {index: other_format(headers.findings[index].path or "") for index in np.flatnonzero(unreadable).tolist()}
    foreign = [index for index, other in others.items() if other is not None]
    damaged = [index for index, other in others.items() if other is None]
    columns.add_fault("other-format", "images", foreign, "file_name")
    for fault in columns.faults[-1:] if foreign else []:
        for example in fault.examples:
            example["content"] = others[example["place"]]
    columns.add_fault("unreadable-file", "images", damaged, "file_name")


def _identity(path: str | Path) -> tuple[int, int]:
    """What all paths of a file have in common, links included."""
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def find_missing_sizes(columns: Columns, headers: Headers | None) -> None:
    """Find images without a size, and take that of the file: as displayed where the boxes fit that alone.

    Where the boxes fit neither, they are those of a picture of another size, and nothing is known of it.
    """
    missing = np.isnan(columns.image_size[:, 0]) & columns.are_objects("images")
    from_file = np.zeros(len(missing), dtype=bool)
    if headers is not None:
        displayed = np.where(headers.orientation[:, None] >= FIRST_SIDEWAYS, headers.size[:, ::-1], headers.size)
        for size in (headers.size, displayed):
            taken = missing & ~from_file & ~np.isnan(size[:, 0]) & ~_contradicted(columns, size)
            columns.take_sizes(size, taken)
            from_file |= taken
    columns.add_fault("size-from-file", "images", from_file, "file_name", "width", "height")
    columns.add_fault("bad-image-size", "images", missing & ~from_file, "file_name", "width", "height")


def _contradicted(columns: Columns, size: Floats) -> Booleans:
    """``[M]``, whether an image has boxes that do not fit a size, neither as they are nor as two corners."""
    limits = limits_of(size, columns.image_index)
    box = columns.box
    compared = all_in_row(np.isfinite(box)) & all_in_row(np.isfinite(limits))
    as_box = all_in_row(np.maximum(box[:, :2], box[:, :2] + box[:, 2:]) <= limits + TOLERANCE)
    as_corners = all_in_row(box[:, 2:] <= limits + TOLERANCE) & all_in_row(box[:, 2:] > box[:, :2])
    return _images_of(columns, compared & ~as_box) & _images_of(columns, compared & ~as_corners)


def find_sizes(columns: Columns, headers: Headers) -> None:
    """Find sizes that differ from those of the files; take the files' sizes unless the boxes contradict them."""
    known = all_in_row(np.isfinite(headers.size) & np.isfinite(columns.image_size))
    differ = known & ~all_in_row(headers.size == columns.image_size)
    swapped = (headers.size[:, ::-1] == columns.image_size).all(axis=1)
    rotated = differ & (headers.orientation >= FIRST_SIDEWAYS) & swapped
    masked = rotated & _images_of(columns, _has_masks(columns))
    columns.add_fault("rotated-size", "images", rotated & ~masked, "file_name", "width", "height")
    columns.add_fault("rotated-masks", "images", masked, "file_name", "width", "height")
    _turn(columns, headers, rotated & ~masked)

    file_size = limits_of(headers.size, columns.image_index)
    box = columns.box
    compared = all_in_row(np.isfinite(box)) & all_in_row(np.isfinite(file_size))
    fits = all_in_row(np.maximum(box[:, :2], box[:, :2] + box[:, 2:]) <= file_size + TOLERANCE)
    contradicted = _images_of(columns, compared & ~fits)
    other_size = differ & ~rotated
    columns.add_fault("size-mismatch", "images", other_size & ~contradicted, "file_name", "width", "height")
    columns.add_fault("resized-file", "images", other_size & contradicted, "file_name", "width", "height")
    columns.take_sizes(headers.size, other_size & ~contradicted)
    if headers.names_turned:
        columns.add_fault("turned-photo", "images", (headers.orientation > 1) & ~rotated, "file_name")


def _turn(columns: Columns, headers: Headers, images: Booleans) -> None:
    columns.orientation[images] = headers.orientation[images]
    columns.take_sizes(headers.size, images)
    turned = columns.usable & (columns.turns > 1)
    columns.box[turned] = turned_boxes(columns.box[turned], columns.turns[turned], columns.box_limits[turned])


def _has_masks(columns: Columns) -> Booleans:
    """Whether an annotation has a mask or keypoints, which are not turned."""
    annotations = columns.entries["annotations"]
    return np.array([isinstance(e.get("segmentation"), dict) or "keypoints" in e for e in annotations], dtype=bool)


def _images_of(columns: Columns, annotations: Booleans) -> Booleans:
    """The images of the marked annotations, ``[M]``."""
    marks = np.zeros(len(columns.image_size), dtype=bool)
    marks[columns.image_index[annotations & (columns.image_index != NOT_FOUND)]] = True
    return marks
