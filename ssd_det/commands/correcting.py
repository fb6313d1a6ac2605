"""The command that corrects what all boxes share."""

from ssd_det.annotations.edits.corrected import corrected_content
from ssd_det.annotations.edits.correction_messages import say_corrected, say_matched
from ssd_det.annotations.formats.destination import check_destination, save_annotations
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.trusted_reading import read_trusted
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.trusted import Match
from ssd_det.ops.box_types import Xywh
from ssd_det.report.folder_messages import print_folder


def correct_annotations(
    annotations: str,
    *,
    output: str,
    trusted: str | None = None,
    also_trusted: str | None = None,
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
        trusted: boxes that a person has checked, of any of these images, in any of these formats. Where some
            annotations of it have "trusted": true, these alone are trusted.
        also_trusted: more of them, such as the corrected file of the round before; where both have a box for an
            annotation, that of trusted is taken.
        match: trusted boxes to annotations by ids, or by overlap, one to one within image and class; where not given,
            by id where a json file has ids of the noisy one, and else by overlap.
        image_root: the folder of a YOLO folder's images, if it is not that of data.yaml.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist, or to be the input.
    """
    sources = [path for path in (also_trusted, trusted) if path is not None]
    destination = check_destination(output, annotations, sources, overwrite)
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    boxes: dict[int, Xywh] = {}
    for path in sources:
        matched = read_trusted(path, coco, image_root, yolo_rows, match)
        say_matched(path, matched)
        boxes |= matched.boxes
    content, correction = corrected_content(coco, boxes)
    kept = save_annotations(coco, content, destination)
    say_corrected(destination.path, correction)
    if destination.folder:
        print_folder(destination.json, kept)
