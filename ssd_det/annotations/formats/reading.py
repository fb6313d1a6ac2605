"""Reading annotations of any format."""

from collections.abc import Sequence
from pathlib import Path

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.formats.recognise import ANNOTATIONS, recognise, xml_files
from ssd_det.annotations.formats.voc import read_voc
from ssd_det.annotations.formats.yolo import read_yolo
from ssd_det.annotations.formats.yolo_layout import layout_of, read_layout
from ssd_det.annotations.paths import normal


def read_annotations(path: str | Path, image_root: str | Path | None = None, leave_out: Sequence[str] = ()) -> CocoFile:
    """Read a COCO json file, a YOLO folder or a Pascal VOC folder.

    Args:
        path: what :func:`ssd_det.annotations.formats.recognise.recognise` takes.
        image_root: the folder that file names are to start from, for formats that have none of their own.
        leave_out: keys of a COCO file that are not needed, see :func:`ssd_det.annotations.coco.read_coco`.

    Raises:
        InputError: if it cannot be used.
    """
    path = Path(path)
    match recognise(path):
        case "yolo":
            return read_yolo(path, image_root)
        case "voc":
            return read_voc(path, image_root)
        case _:
            return read_coco(path, leave_out)


def default_image_root(path: str | Path) -> Path:
    """Where images are as a rule: in a YOLO or Pascal VOC folder itself, in ``images`` beside a json file.

    Raises:
        InputError: if it is a folder of no format.
    """
    path = Path(path)
    match recognise(path):
        case "yolo":
            return read_layout(path).home
        case "voc":
            return path.parent if normal(path).name == ANNOTATIONS else path
        case _:
            return path.parent / "images"


def tracked_files(path: Path) -> list[Path]:
    """The files that annotations are made of, images left out.

    Raises:
        InputError: if it is a folder of no format.
    """
    match recognise(path):
        case "yolo":
            return layout_of(path).tracked_files()
        case "voc":
            return xml_files(path)
        case _:
            return [path]
