"""The doctor's command; it imports nothing that imports torch, which takes seconds and much memory."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ssd_det.annotations.coco import LISTS, CocoFile, read_content
from ssd_det.annotations.edits.turned import to_stored_pixels, turned_images
from ssd_det.annotations.formats.annotation_format import FolderFormat
from ssd_det.annotations.formats.destination import check_folder, save_fixed
from ssd_det.annotations.formats.file_faults import FileFault
from ssd_det.annotations.formats.reading import read_annotations
from ssd_det.annotations.formats.recognise import format_of, recognise
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.formats.yolo_source import YoloSource
from ssd_det.annotations.image_files import resolve_images
from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import check_output, write_json
from ssd_det.console import warn
from ssd_det.doctor.examination import examine, fix_faults
from ssd_det.doctor.faults import Fault, faults_of_files
from ssd_det.doctor.health import health_record, print_fixes, print_health
from ssd_det.doctor.left_out import without_missing
from ssd_det.doctor.yolo_faults import find_yolo
from ssd_det.errors import FAULTS_FOUND, InputError


def check_annotations(
    annotations: str,
    *,
    image_root: str | None = None,
    allow_outside: bool = False,
    fix: str | None = None,
    yolo_rows: RowKind | None = None,
    exif: Literal["ignore", "apply"] | None = None,
    skip_missing_images: bool = False,
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
        fix: what to write with everything fixed that needs no look at the pictures: a folder is written as a folder of
            its format, unless the name ends in .json.
        yolo_rows: what longer rows of YOLO labels are, where they do not tell: boxes with columns behind them (boxes),
            polygons, oriented boxes (obb) or boxes with keypoints (pose).
        exif: where the boxes of a YOLO or Pascal VOC folder are in pictures that EXIF headers turn: on the turned
            pictures (apply) or in the stored pixels (ignore); such pictures are a fault where this is not given.
        skip_missing_images: leave images out that are not there, with their annotations; the files of a folder that
            is fixed stay as they are.
        format: text to read, or json for machines.
        overwrite: allow the fixed file to exist, or to be the input.
    """
    source = Path(annotations)
    if image_root is None and (skip_missing_images or exif == "apply"):
        raise InputError(f"{annotations}: its images are not known: give --image_root.")
    destination = None if fix is None else _destination(fix, source, overwrite)
    patient = _read(source, image_root, yolo_rows, skip_missing_images)
    if image_root and exif == "apply" and patient.folder:
        if destination and destination.suffix != ".json":
            raise InputError(f"{fix}: would have boxes in the stored pixels: give a name that ends in .json to --fix.")
        patient = replace(patient, content=_in_stored_pixels(patient.folder, image_root).content)
    if image_root and skip_missing_images:
        patient = replace(patient, content=without_missing(annotations, patient.content, image_root, allow_outside))
    examination = examine(patient.content, image_root, allow_outside, patient.of_files, names_turned=exif is None)
    fixed = None if destination is None else fix_faults(patient.content, examination)
    if destination and fixed:
        _save(patient, fixed.content, destination)
    if format == "json":
        print(json.dumps(health_record(annotations, examination, fixed, fix), indent=2, allow_nan=False))
    else:
        print_health(annotations, examination)
        if destination and fixed:
            print_fixes(fixed, str(destination))
    return 0 if (fixed.left if fixed else examination).clean else FAULTS_FOUND


@dataclass(frozen=True)
class _Patient:
    """Annotations that may be faulty.

    Attributes:
        content: with the lists of a COCO file, whatever these hold.
        folder: what could be read of a folder; ``None`` for a COCO json file, and where nothing could.
        of_files: the faults of the files of the folder; ``None`` for a COCO json file.
    """

    content: JsonObject
    folder: CocoFile | None = None
    of_files: list[Fault] | None = None


def _read(source: Path, image_root: str | None, yolo_rows: RowKind | None, skip_missing_images: bool) -> _Patient:
    """Read a COCO file or a folder, going on after every row and file that cannot be read.

    Args:
        source: the file or folder.
        image_root: the folder of the images.
        yolo_rows: what longer rows of YOLO labels are.
        skip_missing_images: say nothing of images that a list names and that are not there.

    Raises:
        InputError: if nothing can be said of it but this.
    """
    if recognise(source) == "coco":
        return _Patient(read_content(source))
    faults: list[FileFault] = []
    try:
        coco = read_annotations(source, image_root, on_fault=faults.append, yolo_rows=yolo_rows)
    except InputError as error:
        if not faults:
            raise
        faults.append(FileFault("unusable-folder", str(source), str(error)))
        return _Patient({name: [] for name in LISTS}, None, faults_of_files(faults))
    if skip_missing_images:
        faults = [fault for fault in faults if fault.kind != "missing-file"]
    of_yolo = find_yolo(coco.source) if isinstance(coco.source, YoloSource) else []
    return _Patient(coco.content, coco, [*faults_of_files(faults), *of_yolo])


def _in_stored_pixels(coco: CocoFile, image_root: str) -> CocoFile:
    """A folder whose boxes are on the pictures as EXIF turns them, with boxes in the stored pixels; counts them."""
    turned = turned_images(resolve_images(coco, image_root)[0])
    boxes = sum(annotation.image_id in turned for annotation in coco.annotations)
    warn(f"{coco.path}: {boxes} boxes are turned with their {len(turned)} pictures to the stored pixels.")
    return to_stored_pixels(coco, turned, shares=isinstance(coco.source, YoloSource))


def _destination(fix: str, source: Path, overwrite: bool) -> Path:
    """Where to write what was fixed: a COCO json file if its name says so, else a folder if the input is one."""
    source_format = format_of(source)
    if Path(fix).suffix == ".json" or not isinstance(source_format, FolderFormat):
        return check_output(fix, source, overwrite=overwrite)
    dataset_root = source_format.dataset_root(source)
    if overwrite and Path(fix).resolve() in (dataset_root.resolve(), source.resolve()):
        return dataset_root
    return check_folder(fix, [source], overwrite)


def _save(patient: _Patient, content: JsonObject, destination: Path) -> None:
    if destination.suffix == ".json" or patient.of_files is None:
        write_json(destination, content)
    elif patient.folder is None:
        raise InputError(f"{destination}: is not written, as nothing of the folder can be read: see the faults.")
    else:
        known = {entry["id"] for entry in patient.content["annotations"]}
        left_out = [entry for entry in patient.folder.content["annotations"] if entry["id"] not in known]
        save_fixed(patient.folder, {**content, "annotations": [*content["annotations"], *left_out]}, destination)
