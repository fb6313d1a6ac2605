"""The command ``ssd-det init``."""

from ssd_det.annotations.formats.yolo_rows import RowKind


def init(
    *,
    annotations: str,
    image_root: str,
    output: str,
    test_annotations: str | None = None,
    trusted: str | None = None,
    skip_timing: bool = False,
    allow_outside: bool = False,
    skip_missing_images: bool = False,
    yolo_rows: RowKind | None = None,
    overwrite: bool = False,
) -> None:
    """Look at data and machine, and write a configuration of the pipeline that fits both.

    Args:
        annotations: a COCO json file with inaccurate boxes.
        image_root: the folder that its file names start from.
        output: the folder to write pipeline.yaml and what it refers to into, or the path of the yaml itself.
        test_annotations: a COCO json file with boxes that you trust, for the command that is printed.
        trusted: boxes of some of the images that a person has checked, in any format, for that command as well; what
            they show all boxes to share is printed.
        skip_timing: take no training steps to measure time and memory.
        allow_outside: let file names that are absolute or have a part .. lead out of image_root.
        skip_missing_images: leave images out that are not there.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        overwrite: allow the files to exist.
    """
    from ssd_det.setup.preparation import prepare  # noqa: PLC0415 (Lightning takes seconds to import)

    prepare(
        annotations,
        image_root,
        output,
        test_annotations,
        trusted,
        skip_timing,
        allow_outside,
        skip_missing_images,
        yolo_rows,
        overwrite,
    )
