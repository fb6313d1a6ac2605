"""The doctor's command; it imports nothing that imports torch, which takes seconds and much memory."""

import json
from pathlib import Path
from typing import Literal

from ssd_det.annotations.coco import read_content
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.recognise import recognise
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_output, write_json
from ssd_det.doctor.examination import examine, fix_faults
from ssd_det.doctor.health import health_record, print_fixes, print_health
from ssd_det.errors import FAULTS_FOUND


def check_annotations(
    annotations: str,
    *,
    image_root: str | None = None,
    allow_outside: bool = False,
    fix: str | None = None,
    yolo_rows: RowKind | None = None,
    format: Literal["text", "json"] = "text",  # noqa: A002 - the word of the command line
    overwrite: bool = False,
) -> int:
    """Check an annotation file and its images, name what is wrong, and fix what can be fixed.

    The exit code is 0 if there are no errors and no warnings, with --fix none that are left, 1 if there are, and 2 if
    the file cannot be used at all.

    Args:
        annotations: a COCO json file, a YOLO folder or a Pascal VOC folder.
        image_root: the folder that its file names start from; images are not checked without it.
        allow_outside: let file names that are absolute or have a part .. lead out of it.
        fix: the COCO json file to write, for a folder as well, with what can be fixed without looking at the pictures.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        format: text to read, or json for machines.
        overwrite: allow the fixed file to exist, or to be the input.
    """
    path = check_output(fix, annotations, overwrite=overwrite) if fix else None
    content = _content_of(Path(annotations), image_root, yolo_rows)
    examination = examine(content, image_root, allow_outside, recognise(Path(annotations)) != "coco")
    fixed = fix_faults(content, examination) if path else None
    if path and fixed:
        write_json(path, fixed.content)
    if format == "json":
        print(json.dumps(health_record(annotations, examination, fixed, fix), indent=2, allow_nan=False))
    else:
        print_health(annotations, examination)
        if fixed:
            print_fixes(fixed, str(path))
    return 0 if (fixed.left if fixed else examination).clean else FAULTS_FOUND


def _content_of(annotations: Path, image_root: str | None, yolo_rows: RowKind | None) -> JsonObject:
    """The content of a COCO file, whatever its lists hold; folders must be sound to be read."""
    if recognise(annotations) == "coco":
        return read_content(annotations)
    return read_annotations(annotations, image_root, yolo_rows=yolo_rows).content
