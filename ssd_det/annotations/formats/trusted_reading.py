"""Reading the trusted boxes of a noisy file."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.json_files import read_json
from ssd_det.annotations.trusted import Match, TrustedBoxes, match_trusted
from ssd_det.errors import InputError


def read_trusted(
    path: str,
    noisy: CocoFile,
    image_root: str | None = None,
    yolo_rows: RowKind | None = None,
    match: Match | None = None,
) -> TrustedBoxes:
    """Read trusted boxes, and find the annotations that they belong to.

    Args:
        path: a COCO json file, a YOLO folder or a Pascal VOC folder; it may be the noisy file itself, where some of its
            annotations are trusted.
        noisy: the file with noisy boxes.
        image_root: the folder that file names must start from, for folders.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell.
        match: see :func:`ssd_det.annotations.trusted.match_trusted`.

    Raises:
        InputError: if it cannot be used, or does not belong to the noisy file.
    """
    try:
        trusted = read_annotations(path, image_root, yolo_rows=yolo_rows)
    except InputError:
        if _holds_decisions_alone(Path(path)):
            raise InputError(
                f"{path}: is a review in which no box is trusted: correct boxes on its page or call them right, and "
                f"export the decisions again."
            ) from None
        raise
    flagged = any(annotation.trusted for annotation in trusted.annotations)
    if not flagged and Path(path).resolve() == noisy.path.resolve():
        raise InputError(
            f'{path}: is the noisy file itself, and none of its annotations has "trusted": true: '
            f"give the boxes that were checked."
        )
    return match_trusted(noisy, trusted, match)


def _holds_decisions_alone(path: Path) -> bool:
    """Whether a page exported a file without boxes, as all pages of the first version did."""
    if not path.is_file():
        return False
    try:
        content = read_json(path)
    except InputError:
        return False
    return isinstance(content, dict) and isinstance(content.get("decisions"), dict)
