"""The folder of the page: one file to open, and one folder with all that it needs."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.resources import as_file
from importlib.resources import files as package_files
from pathlib import Path

from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.digests import digest
from ssd_det.annotations.edits.reviewed import DECISIONS
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.output import BEING_WRITTEN, make_folder
from ssd_det.errors import InputError
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.review.crops import FOLDERS, write_pictures
from ssd_det.report.review.objects import chosen_images, page_objects
from ssd_det.report.review.page_content import SIZES, PageContent, PageFile, PageImage
from ssd_det.report.review.summary import PageSummary, write_page_figures
from ssd_det.write_errors import cannot_be_written

INDEX = "index.html"
FILES = "review_files"
CONTENT = "content.js"


@dataclass(frozen=True)
class WrittenPage:
    """What a page shows.

    Attributes:
        annotations: how many.
        images: how many.
        missing: how many of these could not be shown.
    """

    annotations: int
    images: int
    missing: int


def check_page_folder(folder: Path, overwrite: bool) -> None:
    """Make sure, before any work is done, that a page may be written to a folder.

    Raises:
        InputError: if it is a file, or is not empty and may not be overwritten, or would replace what is not a page.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file: give a folder as output.")
    if not folder.is_dir() or not any(folder.iterdir()) or (folder / BEING_WRITTEN).is_dir():
        return  # the last, in which even a part of the page may be missing, is of a call that was killed
    if not overwrite:
        raise InputError(f"{folder}: is not empty: give another output, or --overwrite true.")
    for name in (INDEX, FILES):
        if (folder / name).exists() and not (folder / FILES / CONTENT).is_file():
            raise InputError(
                f"{folder / name}: does not belong to a page that was written here before: give another output."
            )


def write_page(
    folder: Path,
    coco: CocoFile,
    image_root: str | Path,
    boxes: MeasuredBoxes,
    summary: PageSummary,
    count: int = 5_000,
    allow_outside: bool = False,
    chosen: Mapping[int, str] | None = None,
) -> WrittenPage:
    """Write the page on which people review what refining changed, or check boxes that were chosen for them.

    Images that are missing or do not decode are shown as such.

    Args:
        folder: where it goes; it is made if need be, and a page that is there is replaced.
        coco: the refined file, a COCO json.
        image_root: the folder of the images.
        boxes: of the file, measured.
        summary: what the page says of the whole file.
        count: how many annotations to show at most; the images whose boxes moved most come first.
        allow_outside: let file names lead out of the folder of the images.
        chosen: annotations to check, by their ids, and why; then nothing else is shown.

    Raises:
        InputError: if ``count`` is no number from 1 up, the folder of the images is missing, a file name leads out of
            it without leave, or the page cannot be written.
    """
    if count < 1:
        raise InputError(f"count is {count}: give a number from 1 up.")
    if chosen is None:
        images = chosen_images(coco, boxes, count)
    else:
        shown = {annotation.image_id for annotation in coco.annotations if annotation.id in chosen}
        images = [image for image in coco.images if image.id in shown]
    files, _ = resolve_images(replace(coco, images=images), image_root, allow_outside)
    objects = page_objects(coco, images, boxes, chosen)
    with _replaced(folder, len(images)) as new:
        missing = write_pictures(new / FILES, images, files, [(entry.image, entry.crop) for entry in objects])
        content = PageContent(
            title="What refining changed" if chosen is None else "Boxes to check",
            choosing=chosen is not None,
            file=PageFile(
                name=coco.path.name,
                sha256=digest(coco.path),
                annotations=len(coco.annotations),
                whole=len(objects) == len(coco.annotations),
            ),
            categories=list(unique_names(coco).values()),
            category_names=[category.name for category in coco.categories],
            images=[
                PageImage(image.file_name, image.width, image.height, missing.get(index))
                for index, image in enumerate(images)
            ],
            objects=objects,
            tiles=summary.tiles,
            tables=summary.tables,
            figures=write_page_figures(new / FILES / "figures", summary.figures),
            sizes=SIZES,
            decisions=list(DECISIONS),
        )
        with as_file(package_files("ssd_det.report.review") / "static") as static:
            shutil.copytree(static, new / FILES, dirs_exist_ok=True)
        (new / FILES / INDEX).replace(new / INDEX)
        (new / FILES / CONTENT).write_text(content.script(), encoding="utf-8")
    return WrittenPage(len(objects), len(images), len(missing))


@contextmanager
def _replaced(folder: Path, images: int) -> Iterator[Path]:
    """A folder to write a page into, which replaces the page that is there once all is written.

    Args:
        folder: of the page.
        images: how many are on it.

    Raises:
        InputError: if the disk refuses; then the page that is there stays.
    """
    make_folder(folder)
    new = folder / BEING_WRITTEN
    shutil.rmtree(new, ignore_errors=True)  # of a call that was killed
    try:
        new.mkdir()
        yield new
        if (folder / FILES).exists():
            (folder / FILES).replace(new / "replaced")
        for name in (FILES, INDEX):
            (new / name).replace(folder / name)
    except OSError as error:
        needed = _expected_size(new, images)
        shutil.rmtree(new, ignore_errors=True)  # first, as it takes room
        raise cannot_be_written(folder, error, needed) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)


def _expected_size(new: Path, images: int) -> int | None:
    """About how many bytes a page takes, from what was written of it; ``None`` if that was no picture yet."""
    sizes = [path.stat().st_size for path in new.rglob("*") if path.is_file()]
    written = len(list((new / FILES / FOLDERS[-1]).glob("*.jpg")))
    return sum(sizes) * images // written if written else None
