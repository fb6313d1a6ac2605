"""The command that corrects what all boxes share."""

from pathlib import Path

from ssd_det.annotations.edits.corrected import Correction, corrected_content
from ssd_det.annotations.formats.destination import check_destination, save_annotations
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.trusted import Match, TrustedBoxes, match_trusted
from ssd_det.annotations.values import first_of
from ssd_det.console import listed, say, warn
from ssd_det.ops.shared_offsets import LEAST_BOXES, SharedOffsets
from ssd_det.report.folder_messages import print_folder

SIDES = ("left", "top", "right", "bottom")


def correct_annotations(
    annotations: str,
    *,
    output: str,
    trusted: str | None = None,
    match: Match | None = None,
    image_root: str | None = None,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Put trusted boxes into an annotation file, and take out of all others what these show to be shared.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder with inaccurate boxes. Annotations of a json
            file with "trusted": true are trusted as well.
        output: what to write, in the same format; of a folder, a folder, with a COCO json file of the same name
            beside it. A COCO json file keeps the boxes as original_bbox.
        trusted: boxes that a person has checked, of any of these images, in any of these formats.
        match: trusted boxes to annotations by ids, or by overlap, one to one within image and class; where not given,
            by id where a json file has ids of the noisy one, and else by overlap.
        image_root: the folder of a YOLO folder's images, if it is not that of data.yaml.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist, or to be the input.
    """
    destination = check_destination(output, annotations, [trusted] if trusted else [], overwrite)
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    matched = TrustedBoxes({}, 0, (), ())
    if trusted is not None:
        matched = match_trusted(coco, read_annotations(trusted, image_root, yolo_rows=yolo_rows), match)
        _say_matched(trusted, matched)
    content, correction = corrected_content(coco, matched.boxes)
    kept = save_annotations(coco, content, destination)
    _say_corrected(destination.path, correction)
    if destination.folder:
        print_folder(destination.json, kept)


def _say_matched(trusted: str, matched: TrustedBoxes) -> None:
    say(f"{trusted}: {len(matched.boxes)} trusted boxes, {matched.by_overlap} of them matched by overlap.")
    if matched.unmatched:
        warn(f"{trusted}: annotations {first_of(matched.unmatched)}: overlap no box of their class; they are left out.")
    if matched.other_class:
        warn(f"{trusted}: annotations {first_of(matched.other_class)}: have another class there; theirs is kept.")


def _say_corrected(path: Path, correction: Correction) -> None:
    if correction.taught < LEAST_BOXES:
        say(f"{correction.taught} trusted boxes can be compared with noisy ones: fewer than 3 correct no others.")
    else:
        say(f"What {correction.taught} trusted boxes say of all others, in units of the box, with 95% intervals:")
        for row, name in enumerate(correction.categories):
            say(f"  {name} ({correction.offsets.counts[row]} trusted): {_sides(correction.offsets, row)}")
    passed = listed(correction.passed_through)
    say(f"{path}: {correction.trusted} boxes trusted, {correction.corrected} corrected, unchanged: {passed}.")


def _sides(offsets: SharedOffsets, row: int) -> str:
    """What is done to the four sides of a category."""
    certain = offsets.certain[row]
    return ", ".join(
        f"{name} {side:+.1%} ± {margin:.1%}{'' if sure else ' (left as it is)'}"
        for name, side, margin, sure in zip(SIDES, offsets.sides[row], offsets.margins[row], certain, strict=True)
    )
