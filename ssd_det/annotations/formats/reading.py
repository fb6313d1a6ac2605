"""Reading annotations of any format."""

from collections.abc import Iterable
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.recognise import format_of
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.console import warn
from ssd_det.errors import InputError
from ssd_det.late_files import await_file


def read_annotations(
    path: str | Path,
    image_root: str | Path | None = None,
    on_fault: OnFault = refuse,
    yolo_rows: RowKind | None = None,
    may_be_empty: bool = False,
) -> CocoFile:
    """Read a COCO json file, a YOLO folder or a Pascal VOC folder; says on standard error what of it was left out.

    Args:
        path: what :func:`ssd_det.annotations.formats.recognise.recognise` takes.
        image_root: the folder that file names must start from, for formats whose files have no such names.
        on_fault: what to do with a faulty row or file of a folder, see :data:`OnFault`. Where it goes on, nothing is
            said of what was left out.
        yolo_rows: what rows of YOLO labels are, where they do not tell.
        may_be_empty: whether images without any annotation will do.

    Raises:
        InputError: if it cannot be used.
    """
    await_file(path)
    coco = format_of(Path(path)).read(Path(path), image_root, on_fault, yolo_rows)
    for remark in coco.source.remarks if coco.source and on_fault is refuse else ():
        warn(remark)
    if not may_be_empty and on_fault is refuse:
        coco.check_annotated()
    return coco


def default_image_root(path: str | Path) -> Path:
    """Where images usually are: in a YOLO or Pascal VOC folder itself, in ``images`` beside a json file.

    Raises:
        InputError: if it is a folder of no format.
    """
    return format_of(Path(path)).default_image_root(Path(path))


def tracked_files(path: Path) -> list[Path]:
    """The files that annotations are made of, images left out.

    Raises:
        InputError: if it is a folder of no format.
    """
    return format_of(path).tracked_files(path)


def files_of(inputs: Iterable[str | Path]) -> list[Path]:
    """The files that inputs are made of, none of which may be lost; what cannot be read says so when it is read."""
    files: list[Path] = []
    for path in map(Path, inputs):
        try:
            files += tracked_files(path)
        except InputError:
            files.append(path)
    return files
