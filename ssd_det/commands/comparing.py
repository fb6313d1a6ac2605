"""Commands that show how good boxes are."""

from dataclasses import asdict
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.edits.present import without_missing_images
from ssd_det.annotations.formats.reading import files_of, read_annotations
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.output import check_output, write_json
from ssd_det.console import say
from ssd_det.errors import InputError


def compare_annotations(
    annotations: str,
    *,
    reference: str | None = None,
    trusted: str | None = None,
    output: str | None = None,
    before: str | None = None,
    image_root: str | None = None,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Measure boxes against true ones, before and after refining.

    Args:
        annotations: what to judge, refined as a rule: a COCO json file, a YOLO folder or a Pascal VOC folder.
        reference: the same annotations with true boxes, in any of these formats.
        trusted: in place of a reference, boxes of some of the annotations that a person has checked; these alone are
            compared. They are matched as in correct-annotations. Those that the file has in it already are left out.
        output: a json file to write the figures to.
        before: the boxes before refining; original_bbox is taken where it is not given.
        image_root: the folder of a YOLO folder's images, where it is not that of data.yaml.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the output to exist.
    """
    from ssd_det.report.comparison_table import print_comparison  # noqa: PLC0415
    from ssd_det.report.quality import compare, compare_trusted  # noqa: PLC0415 (torch takes seconds to import)

    if (reference is None) == (trusted is None):
        raise InputError(f"{annotations}: is compared with one file: give either --reference or --trusted.")
    others = [name for name in (reference, trusted, before) if name is not None]
    path = check_output(output, others=files_of([annotations, *others]), overwrite=overwrite) if output else None

    def read(name: str) -> CocoFile:
        return read_annotations(name, image_root, yolo_rows=yolo_rows)

    file, earlier = read(annotations), read(before) if before is not None else None
    if trusted is not None:
        from ssd_det.annotations.formats.trusted_reading import read_trusted  # noqa: PLC0415 (imports scipy.optimize)

        comparison = compare_trusted(file, read_trusted(trusted, file, image_root, yolo_rows).boxes, earlier)
    else:
        comparison = compare(file, read(str(reference)), earlier)
    if path:
        write_json(path, asdict(comparison))
    print_comparison(comparison)


def draw_annotations(
    annotations: str,
    *,
    image_root: str,
    output: str,
    count: int = 8,
    yolo_rows: RowKind | None = None,
    skip_missing_images: bool = False,
    overwrite: bool = False,
    allow_outside: bool = False,
) -> None:
    """Draw original, refined and, where known, true boxes into the images where boxes moved most.

    Args:
        annotations: a COCO json file, refined as a rule, a YOLO folder or a Pascal VOC folder.
        image_root: the folder that its file names start from.
        output: the folder to write the pictures to; it is made if need be.
        count: how many images.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        skip_missing_images: leave images out that are not there, with their annotations.
        overwrite: allow the pictures to exist.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
    """
    from ssd_det.report.pictures import draw_pictures  # noqa: PLC0415 (torch takes seconds to import)

    coco = read_annotations(annotations, image_root, yolo_rows=yolo_rows)
    if skip_missing_images:
        coco = without_missing_images(coco, image_root, allow_outside)
    paths = draw_pictures(coco, image_root, Path(output), count, overwrite, allow_outside)
    say(f"{output}: {len(paths)} pictures; orange the original box, blue the refined one, white the true one.")
