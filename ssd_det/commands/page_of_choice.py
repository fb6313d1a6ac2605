"""Writing a page with the boxes of a file that a person should check."""

from collections import Counter
from pathlib import Path

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.image_files import missing_images_error, resolve_images
from ssd_det.console import say, warn
from ssd_det.errors import InputError
from ssd_det.ops.box_arrays import corners, iou
from ssd_det.ops.choice import Candidate, Reason, choose
from ssd_det.report.boxes_by_id import BoxesById
from ssd_det.report.measured_boxes import measure
from ssd_det.report.quality import SIZE_LIMITS
from ssd_det.report.review.page import INDEX, check_page_folder, write_page
from ssd_det.report.review.summary import PageSummary, Tile

GROUPS: dict[Reason, tuple[str, str]] = {
    "random": ("At random", "what is found on these holds for the whole file"),
    "moved": ("Moved most", "by refining"),
    "spread": ("Spread", "over categories, sizes and images"),
}


def write_choice(
    annotations: str, image_root: str, output: str, count: int, seed: int, overwrite: bool, allow_outside: bool
) -> None:
    """Write the page; see :func:`ssd_det.commands.choosing.choose_boxes`."""
    if count < 1:
        raise InputError(f"count is {count}: give a number from 1 up.")
    folder = Path(output)
    check_page_folder(folder, overwrite)
    coco = read_coco(annotations)
    boxes = _checkable(coco, image_root, allow_outside)
    sizes = [_size_of(annotation) for annotation in boxes]
    before, after = corners([a.unrefined for a in boxes]), corners([a.bbox for a in boxes])
    moved = (1 - iou(before, after)).tolist()
    candidates = [
        Candidate(a.image_id, a.category_id, size, distance)
        for a, size, distance in zip(boxes, sizes, moved, strict=True)
    ]
    chosen = choose(candidates, count, seed)
    names = {category.id: category.name for category in coco.categories}
    reasons = {
        boxes[index].id: _in_words(reason, sizes[index], names[boxes[index].category_id], 1 - moved[index])
        for index, reason in chosen.items()
    }
    numbers = Counter(chosen.values())
    tiles = [Tile("Boxes to check", f"{len(chosen):,}", f"of {len(coco.annotations):,}")]
    tiles += [Tile(label, str(numbers[key]), note) for key, (label, note) in GROUPS.items() if numbers[key]]
    shown = [annotation for annotation in coco.annotations if annotation.id in reasons]
    measured = measure(shown, BoxesById.of({}), [None] * len(shown))
    written = write_page(
        folder, coco, image_root, measured, PageSummary(tiles), allow_outside=allow_outside, chosen=reasons
    )
    if written.missing:
        warn(f"{written.missing} of {written.images} images cannot be shown; the page says why.")
    parts = ", ".join(f"{numbers[key]} {label.lower()}" for key, (label, _) in GROUPS.items() if numbers[key])
    say(f"{folder / INDEX}: a page to check {written.annotations} boxes on, in {written.images} images: {parts}.")


def _checkable(coco: CocoFile, image_root: str, allow_outside: bool) -> list[Annotation]:
    """The annotations that a person can check: boxes of one object that are not trusted yet, in images that exist.

    Raises:
        InputError: if there are none.
    """
    files, missing = resolve_images(coco, image_root, allow_outside)
    if not files:
        raise missing_images_error(coco, image_root, missing)
    if missing:
        warn(f"{coco.path}: {len(missing)} of {len(coco.images)} images do not exist: no boxes of them are chosen.")
    coco.count_usable()
    boxes = [a for a in coco.annotations if a.image_id in files and not a.trusted and coco.why_unusable(a) is None]
    if not boxes:
        raise InputError(f"{coco.path}: has no box to check: all are trusted or unusable, or their images are missing.")
    return boxes


def _size_of(annotation: Annotation) -> str:
    area = annotation.bbox[2] * annotation.bbox[3]
    return next(name for name, limit in SIZE_LIMITS if area < limit)


def _in_words(reason: Reason, size: str, category: str, overlap: float) -> str:
    """Why a box was chosen."""
    if reason == "random":
        return "at random"
    if reason == "moved":
        return f"moved far: IoU {overlap:.2f}"
    return f"{size} {category}"
