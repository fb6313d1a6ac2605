"""YOLO: a data.yaml and a text file of labels for each image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.formats.annotation_format import FolderContent, FolderFormat
from ssd_det.annotations.formats.data_yaml import YAML_SUFFIXES, yamls_in
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.voc_layout import ANNOTATIONS
from ssd_det.annotations.formats.walking import walk
from ssd_det.annotations.formats.yolo_export import DECIMALS, export_yolo
from ssd_det.annotations.formats.yolo_images import tracked_files
from ssd_det.annotations.formats.yolo_labels import COLUMNS_KEY, looks_like_labels, texts_of
from ssd_det.annotations.formats.yolo_layout import layout_of, read_layout
from ssd_det.annotations.formats.yolo_rows import RowKind
from ssd_det.annotations.formats.yolo_source import read_yolo


class YoloFormat(FolderFormat):
    """A YOLO folder: its data.yaml, the folder of that, or a folder of label files below."""

    title = "YOLO folder"
    example = "a folder with data.yaml"
    image_folder = "images"
    kept_keys = (COLUMNS_KEY,)

    def evidence(self, path: Path) -> str | None:
        """A yaml file, or a folder with data.yaml or label files in it; also where xml files are expected."""
        if not path.is_dir():
            return "data.yaml" if path.suffix.lower() in YAML_SUFFIXES else None
        text_files = (file for folder in (path, path / ANNOTATIONS) for file in sorted(folder.glob("*.txt")))
        is_yolo = bool(yamls_in(path)) or any(map(looks_like_labels, text_files))
        return "YOLO labels" if is_yolo else None

    def may_be(self, path: Path) -> bool:
        """Whether label files are anywhere below."""
        return any(map(looks_like_labels, walk(path, (".txt",))))

    def read(
        self,
        path: Path,
        image_root: str | Path | None,
        on_fault: OnFault = refuse,
        yolo_rows: RowKind | None = None,
    ) -> CocoFile:
        """Read the folder, or the part of it that has these labels."""
        return read_yolo(path, image_root, on_fault, yolo_rows)

    def default_image_root(self, path: Path) -> Path:
        """The folder that data.yaml is about."""
        return read_layout(path).dataset_root

    def tracked_files(self, path: Path) -> list[Path]:
        """Data.yaml, listings of images, and label files."""
        return tracked_files(layout_of(path))

    def dataset_root(self, path: Path) -> Path:
        """The folder that data.yaml is about, wherever it is."""
        return layout_of(path).dataset_root

    def why_left_out(self, annotation: Annotation, image: Image) -> str | None:
        """A box must have an area in its image."""
        return "boxes outside of their image" if texts_of(annotation.bbox, image, DECIMALS) is None else None

    def export(
        self, coco: CocoFile, image_paths: Mapping[int, str], annotations: Mapping[int, Sequence[Annotation]]
    ) -> FolderContent:
        """Label files, and a data.yaml; classes are numbered from 0 in the order of the categories."""
        return export_yolo(coco, image_paths, annotations)
