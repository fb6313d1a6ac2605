"""The folder of the page: one file to open, and one folder with all that it needs."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import NamedTuple

from ssd_det.annotations.categories import unique_names
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.digests import digest
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.output import make_folder
from ssd_det.errors import InputError
from ssd_det.report.review.crops import write_pictures
from ssd_det.report.review.objects import chosen_images, page_objects
from ssd_det.report.review.summary import summarise, write_page_figures

INDEX = "index.html"
FILES = "review_files"
CONTENT = "content.js"


class Written(NamedTuple):
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
        InputError: if it is a file, or not empty and overwriting is not allowed or would replace what is no page.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file: give a folder as output.")
    if not folder.is_dir() or not any(folder.iterdir()):
        return
    if not overwrite:
        raise InputError(f"{folder}: is not empty: give another output, or --overwrite true.")
    for name in (INDEX, FILES):
        if (folder / name).exists() and not (folder / FILES / CONTENT).is_file():
            raise InputError(f"{folder / name}: is not of a page that was written here before: give another output.")


def write_page(
    folder: Path,
    coco: CocoFile,
    image_root: str | Path,
    reference: CocoFile | None = None,
    run: Path | None = None,
    count: int = 5_000,
    allow_outside: bool = False,
) -> Written:
    """Write the page on which people review what refining changed.

    Images that are missing or do not decode are shown as such.

    Args:
        folder: where it goes; it is made if need be, and a page that is there is replaced.
        coco: the refined file, a COCO json.
        image_root: the folder of the images.
        reference: the true boxes; those that the file carries as ``true_bbox`` where not given.
        run: the folder of the pipeline's run that the file is from, if it is.
        count: how many annotations to show at most; the images whose boxes moved most come first.
        allow_outside: let file names lead out of the folder of the images.

    Raises:
        InputError: if ``count`` is no number from 1 up, the folder of the images is missing, a file name leads out of
            it without leave, annotation ids of the reference differ, or the page cannot be written.
    """
    if count < 1:
        raise InputError(f"count is {count}: give a number from 1 up.")
    known = (coco, reference) if reference else _carried(coco)
    summary = summarise(coco, known, run)
    images = chosen_images(coco, count)
    found, _ = resolve_images(replace(coco, images=images), image_root, allow_outside)
    truth = {a.id: a.bbox for a in known[1].annotations if a.measurable} if known else {}
    objects = page_objects(coco, images, truth)
    with _replaced(folder) as place:
        missing = write_pictures(place / FILES, images, found, objects)
        content = {
            "file": {
                "name": coco.path.name,
                "sha256": digest(coco.path),
                "annotations": len(coco.annotations),
                "whole": len(objects) == len(coco.annotations),
            },
            "categories": list(unique_names(coco).values()),
            "images": [
                {"name": image.file_name, "width": image.width, "height": image.height, "missing": missing.get(index)}
                for index, image in enumerate(images)
            ],
            "objects": objects,
            "tiles": summary.tiles,
            "tables": [{"title": title, "columns": columns, "rows": rows} for title, columns, rows in summary.tables],
            "figures": write_page_figures(place / FILES / "figures", summary.drawn),
        }
        with as_file(files("ssd_det.report.review") / "static") as static:
            shutil.copytree(static, place / FILES, dirs_exist_ok=True)
        (place / FILES / INDEX).replace(place / INDEX)
        (place / FILES / CONTENT).write_text(f"window.content = {json.dumps(content)};\n", encoding="utf-8")
    return Written(len(objects), len(images), len(missing))


def _carried(coco: CocoFile) -> tuple[CocoFile, CocoFile] | None:
    """The annotations that carry a true box, as they are and with it; ``None`` if there are none."""
    carrying = [annotation for annotation in coco.annotations if annotation.true_bbox]
    true = [a._replace(bbox=a.true_bbox) for a in carrying if a.true_bbox]
    return (replace(coco, annotations=carrying), replace(coco, annotations=true)) if carrying else None


@contextmanager
def _replaced(folder: Path) -> Iterator[Path]:
    """A folder to write a page into, which takes the place of the one that is there once all is written."""
    make_folder(folder)
    try:
        with tempfile.TemporaryDirectory(dir=folder, prefix=".page.") as temporary:
            place = Path(temporary)
            yield place
            if (folder / FILES).exists():
                (folder / FILES).replace(place / "replaced")
            for name in (FILES, INDEX):
                (place / name).replace(folder / name)
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written ({error.strerror}): make room, or give another output."
        ) from error
