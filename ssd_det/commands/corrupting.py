"""Commands that put noise on boxes, and take it off again."""

from pathlib import Path

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.noise import corrupt, with_true_boxes
from ssd_det.annotations.edits.noise_kinds import Kind
from ssd_det.annotations.formats.destination import check_destination, save_annotations
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.output import check_output, write_json
from ssd_det.console import say
from ssd_det.errors import InputError
from ssd_det.report.folder_messages import print_folder


def corrupt_annotations(
    annotations: str,
    *,
    output: str,
    noise_level: float | None = None,
    seed: int = 0,
    kind: Kind = "uniform",
    detections: str | None = None,
    factor: float | None = None,
    image_root: str | None = None,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Add noise to the boxes of an annotation file, to try refining on.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        output: what to write, in the same format; of a folder, a folder, with a COCO json file of the same name
            beside it. A COCO json file keeps the boxes as true_bbox.
        noise_level: n, from 0 up to 1: boxes shift and grow by up to n times their size. For every kind but scale.
        seed: decides the noise of each annotation, together with its id.
        kind: uniform as published, gaussian, loose, tight, shifted to the right and down, corners on a coarse grid,
            scale, every box by the same factor, boxes from a detector, or a mix of all but scale and detector.
        detections: for detector, the predictions.json that ssd-det predict wrote for these images.
        factor: for scale, what boxes are scaled by about their centres.
        image_root: the folder of a YOLO folder's images, if it is not that of data.yaml.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist, or to be the input.
    """
    others = [detections] if detections else []
    destination = check_destination(output, annotations, others, overwrite, kind="noisy")
    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    content, count = corrupt(coco, noise_level, seed, kind, detections, factor)
    kept = save_annotations(coco, content, destination)
    total = len(content["annotations"])
    strength = f"level {noise_level}" if factor is None else f"factor {factor}"
    say(f"{destination.path}: {kind} noise of {strength} on {count} of {total} boxes, seed {seed}.")
    if destination.folder:
        print_folder(destination.json, kept)


def true_annotations(annotations: str, *, output: str, overwrite: bool = False) -> None:
    """Write an annotation file with the true boxes that a noisy one carries.

    Args:
        annotations: a COCO json file whose annotations have a true_bbox, as corrupt-annotations leaves it; of a folder,
            the json file beside it.
        output: the COCO json file to write; annotations without a true_bbox pass through.
        overwrite: allow the output to exist, or to be the input.
    """
    if recognise(Path(annotations)) != "coco":
        raise InputError(
            f"{annotations}: label files cannot hold true boxes: give the json file that corrupt-annotations wrote "
            f"beside its folder."
        )
    path = check_output(output, annotations, overwrite=overwrite)
    content, count = with_true_boxes(read_coco(annotations))
    write_json(path, content)
    say(f"{path}: the true boxes of {count} of {len(content['annotations'])} annotations.")
