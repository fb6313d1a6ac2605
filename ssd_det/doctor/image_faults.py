"""Image files against what the annotation file says of them; their headers are read, no picture is decoded."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags
from PIL import Image as PillowImage

from ssd_det.annotations.image_files import UNREADABLE, Finding, ImageFolder
from ssd_det.console import bar
from ssd_det.doctor.box_faults import DIGITS, SLACK
from ssd_det.doctor.columns import NOWHERE, Booleans, Floats, Integers, Tables, rows
from ssd_det.doctor.faults import Fault

LEAST_TURNED = 5  # EXIF orientations from here on lay the picture on its side
MANY = 2_000  # files that take some seconds


@dataclass(frozen=True)
class Headers:
    """What the image files say.

    Attributes:
        found: the file of each image, or why there is none.
        size: ``[M, 2]``, width and height of the stored pixels, NaN where the header cannot be read.
        orientation: ``[M]``, EXIF's, 1 where there is none.
        folder: of the images.
    """

    found: list[Finding]
    size: Floats
    orientation: Integers
    folder: ImageFolder


def read_headers(tables: Tables, image_root: str | Path, allow_outside: bool = False) -> Headers:
    """Read the headers of all images; see :func:`ssd_det.annotations.image_files.resolve_images`.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    folder = ImageFolder(Path(image_root))
    found = [Finding() if name is None else folder.find(name, allow_outside) for name in tables.file_name]
    table = np.array([_read_header(one.path) for one in bar(found, "image files", long=MANY)], dtype=float)
    table = table.reshape(-1, 3)
    return Headers(found, table[:, :2], table[:, 2].astype(np.int64), folder)


def _read_header(path: str | None) -> tuple[float, float, int]:
    """Width, height and EXIF orientation."""
    try:
        if path is not None:
            with PillowImage.open(path) as file:
                return *file.size, int(file.getexif().get(ExifTags.Base.Orientation, 1))
    except (*UNREADABLE, TypeError):
        pass  # told by the NaN
    return np.nan, np.nan, 1


def find_files(tables: Tables, headers: Headers) -> None:
    """Find files that are missing, that two images share, that cannot be read, and that no image names."""
    named = np.array([name is not None for name in tables.file_name], dtype=bool)
    there = np.array([one.path is not None for one in headers.found], dtype=bool)
    outside = np.array([one.leads_out for one in headers.found], dtype=bool)
    several = np.array([bool(one.several) for one in headers.found], dtype=bool)
    tables.note("missing-file", "images", named & ~there & ~outside & ~several, "file_name")
    tables.note("outside-file", "images", outside, "file_name")
    tables.note("ambiguous-name", "images", several, "file_name")
    names: dict[str, str | None] = {}
    shared = [
        place
        for place, (path, _, _) in enumerate(headers.found)
        if path is not None and names.setdefault(path, tables.file_name[place]) != tables.file_name[place]
    ]
    tables.note("shared-file", "images", shared, "file_name")
    tables.note("unreadable-file", "images", there & np.isnan(headers.size[:, 0]), "file_name")
    known = set(map(_identity, names))
    unnamed = sorted(
        str(path.relative_to(headers.folder.root)) for path in headers.folder.images() if _identity(path) not in known
    )
    if unnamed:
        tables.faults.append(Fault("unnamed-file", len(unnamed), [{"file_name": name} for name in unnamed[:10]]))


def _identity(path: str | Path) -> tuple[int, int]:
    """What is the same for all paths of a file, links among them."""
    status = Path(path).stat()
    return status.st_dev, status.st_ino


def find_sizes(tables: Tables, headers: Headers) -> None:
    """Find sizes that are not those of the files; take the files' where nothing speaks against it."""
    known = rows(np.isfinite(headers.size) & np.isfinite(tables.size))
    differ = known & ~rows(headers.size == tables.size)
    rotated = differ & (headers.orientation >= LEAST_TURNED) & (headers.size[:, ::-1] == tables.size).all(axis=1)
    masked = rotated & _marked(tables, _has_masks(tables))
    tables.note("rotated-size", "images", rotated & ~masked, "file_name", "width", "height")
    tables.note("rotated-masks", "images", masked, "file_name", "width", "height")
    _turn(tables, headers, rotated & ~masked)

    real = np.concatenate([headers.size, np.full((1, 2), np.nan)])[tables.image]
    box = tables.box
    seen = rows(np.isfinite(box)) & rows(np.isfinite(real))
    unfit = _marked(tables, seen & ~rows(np.maximum(box[:, :2], box[:, :2] + box[:, 2:]) <= real + SLACK))
    tables.note("size-mismatch", "images", differ & ~rotated & ~unfit, "file_name", "width", "height")
    tables.note("resized-file", "images", differ & ~rotated & unfit, "file_name", "width", "height")
    taken = differ & ~rotated & ~unfit
    tables.size[taken] = headers.size[taken]


def _turn(tables: Tables, headers: Headers, images: Booleans) -> None:
    tables.orientation[images] = headers.orientation[images]
    tables.size[images] = headers.size[images]
    turned = tables.sound & (tables.turns > 1)
    tables.box[turned] = turned_boxes(tables.box[turned], tables.turns[turned], tables.box_limits[turned])


def turned_boxes(box: Floats, orientation: Integers, size: Floats) -> Floats:
    """Boxes of pictures as they are shown, in the stored pixels.

    Args:
        box: ``[N, 4]``, xywh.
        orientation: ``[N]``, EXIF's, 5 to 8.
        size: ``[N, 2]``, width and height of the stored pixels.
    """
    x, y, width, height = box[:, 1], box[:, 0], box[:, 3], box[:, 2]
    x = np.where(orientation >= 7, (size[:, 0] - x - width).round(DIGITS), x)
    y = np.where((orientation == 6) | (orientation == 7), (size[:, 1] - y - height).round(DIGITS), y)
    return np.stack([x, y, width, height], axis=1)


def _has_masks(tables: Tables) -> Booleans:
    """Whether an annotation has what cannot be turned by a few additions."""
    return np.array(
        [isinstance(e.get("segmentation"), dict) or "keypoints" in e for e in tables.entries["annotations"]], dtype=bool
    )


def _marked(tables: Tables, annotations: Booleans) -> Booleans:
    """The images of some annotations."""
    marks = np.zeros(len(tables.size), dtype=bool)
    marks[tables.image[annotations & (tables.image != NOWHERE)]] = True
    return marks
