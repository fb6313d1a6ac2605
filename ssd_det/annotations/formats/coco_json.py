"""COCO json, the format that all others are read as."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.formats.annotation_format import AnnotationFormat
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.yolo_rows import RowKind


class CocoFormat(AnnotationFormat):
    """A COCO json file."""

    title = "COCO json"
    example = "a json file"

    def evidence(self, path: Path) -> str | None:
        """None: any file that shows no evidence of another format is read as COCO json."""
        return None

    def may_be(self, path: Path) -> bool:
        """Whether it is not a folder; it need not exist."""
        return not path.is_dir()

    def read(
        self,
        path: Path,
        image_root: str | Path | None,
        on_fault: OnFault = refuse,
        yolo_rows: RowKind | None = None,
    ) -> CocoFile:
        """Read the file; its file names stay as they are."""
        return read_coco(path, may_be_empty=True)

    def default_image_root(self, path: Path) -> Path:
        """The folder ``images`` beside the file."""
        return path.parent / "images"

    def tracked_files(self, path: Path) -> list[Path]:
        """The file itself."""
        return [path]
