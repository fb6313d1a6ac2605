"""Reading annotations of any format."""

from collections.abc import Sequence
from pathlib import Path

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.recognise import format_of


def read_annotations(
    path: str | Path,
    image_root: str | Path | None = None,
    leave_out: Sequence[str] = (),
    on_fault: OnFault = refuse,
) -> CocoFile:
    """Read a COCO json file, a YOLO folder or a Pascal VOC folder.

    Args:
        path: what :func:`ssd_det.annotations.formats.recognise.recognise` takes.
        image_root: the folder that file names must start from, for formats whose files have no such names.
        leave_out: keys of a COCO file that are not needed, see :func:`ssd_det.annotations.coco.read_coco`.
        on_fault: what to do with a faulty row or file of a folder, see :data:`OnFault`.

    Raises:
        InputError: if it cannot be used.
    """
    return format_of(Path(path)).read(Path(path), image_root, leave_out, on_fault)


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
