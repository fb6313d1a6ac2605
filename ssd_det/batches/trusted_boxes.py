"""Annotations with trusted boxes in them, and without what these show all boxes to share."""

from lightning.pytorch.utilities import rank_zero_only

from ssd_det.annotations.coco import CocoFile, parse_coco
from ssd_det.annotations.edits.corrected import Correction, corrected_content
from ssd_det.annotations.edits.correction_messages import say_corrected, say_matched
from ssd_det.annotations.formats.trusted_reading import read_trusted
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.trusted import TrustedBoxes


def with_trusted_boxes(coco: CocoFile, trusted: str, image_root: str, yolo_rows: RowKind | None) -> CocoFile:
    """A noisy file as ``correct-annotations`` would write it; see :func:`correct_by_trusted`."""
    return parse_coco(coco.path, correct_by_trusted(coco, trusted, image_root, yolo_rows), coco.source)


def correct_by_trusted(coco: CocoFile, trusted: str, image_root: str, yolo_rows: RowKind | None) -> JsonObject:
    """The content that ``correct-annotations`` would write; says on the first process what that changes.

    Args:
        coco: the noisy file.
        trusted: the path of the trusted boxes.
        image_root: the folder that file names start from.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell.

    Raises:
        InputError: if the trusted boxes cannot be used, or do not belong to the file.
    """
    matched = read_trusted(trusted, coco, image_root, yolo_rows)
    content, correction = corrected_content(coco, matched.boxes)
    _say(coco, trusted, matched, correction)
    return content


@rank_zero_only
def _say(coco: CocoFile, trusted: str, matched: TrustedBoxes, correction: Correction) -> None:
    say_matched(trusted, matched)
    say_corrected(coco.path, correction)
