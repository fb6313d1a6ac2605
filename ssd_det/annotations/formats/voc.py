"""Pascal VOC: an xml file for each image."""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.annotation_format import FolderContent, FolderFormat
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.voc_export import export_voc
from ssd_det.annotations.formats.voc_file import FLAGS
from ssd_det.annotations.formats.voc_layout import ANNOTATIONS, IMAGES, layout_of, xml_files
from ssd_det.annotations.formats.voc_source import read_voc
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.paths import normal


class VocFormat(FolderFormat):
    """A Pascal VOC folder: one with ``Annotations``, the folder ``Annotations`` itself, or a folder of xml files."""

    title = "Pascal VOC folder"
    example = f"one with {ANNOTATIONS}/*.xml"
    image_folder = IMAGES
    kept_keys = (*FLAGS, "pose")

    def evidence(self, path: Path) -> str | None:
        """Xml files."""
        return "Pascal VOC xml" if path.is_dir() and xml_files(path) else None

    def read(
        self,
        path: Path,
        image_root: str | Path | None,
        on_fault: OnFault = refuse,
        yolo_rows: RowKind | None = None,
    ) -> CocoFile:
        """Read all xml files."""
        return read_voc(path, image_root, on_fault=on_fault)

    def default_image_root(self, path: Path) -> Path:
        """The folder above ``Annotations``, or that of the xml files."""
        return path.parent if layout_of(path).root == normal(path).parent else path

    def tracked_files(self, path: Path) -> list[Path]:
        """The xml files."""
        return xml_files(path)

    def dataset_root(self, path: Path) -> Path:
        """The folder above ``Annotations``, or that of the xml files, absolute."""
        return layout_of(path).root

    def reading_order(self, image: PurePosixPath) -> tuple[str, ...]:
        """The order of the xml files, which are called like the images."""
        return image.with_suffix(".xml").parts

    def export(
        self, coco: CocoFile, image_paths: Mapping[int, str], annotations: Mapping[int, Sequence[Annotation]]
    ) -> FolderContent:
        """Xml files, and a list of all images."""
        return export_voc(coco, image_paths, annotations)
