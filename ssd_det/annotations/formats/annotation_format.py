"""What a format of annotations must do: be recognised, be read, and, where it is a folder, be written."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar, NamedTuple

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile, Image
from ssd_det.annotations.formats.file_faults import OnFault, refuse
from ssd_det.annotations.formats.yolo_rows import RowKind


class AnnotationFormat(ABC):
    """A format that annotations are read from; :data:`ssd_det.annotations.formats.table.FORMATS` has one of each.

    Attributes:
        title: its name for people.
        example: what to give where a path is of no format.
    """

    title: ClassVar[str]
    example: ClassVar[str]

    @abstractmethod
    def evidence(self, path: Path) -> str | None:
        """What a path holds that only this format has, in words; ``None`` where it holds nothing of the kind."""

    def may_be(self, path: Path) -> bool:
        """Whether a path without evidence of any format is of this one."""
        return False

    @abstractmethod
    def read(
        self,
        path: Path,
        image_root: str | Path | None,
        on_fault: OnFault = refuse,
        yolo_rows: RowKind | None = None,
    ) -> CocoFile:
        """Read and check annotations, see :func:`ssd_det.annotations.formats.reading.read_annotations`."""

    @abstractmethod
    def default_image_root(self, path: Path) -> Path:
        """The folder where images usually are.

        Raises:
            InputError: if the format says where they are, and cannot be read.
        """

    @abstractmethod
    def tracked_files(self, path: Path) -> list[Path]:
        """The files that annotations are made of, images left out.

        Raises:
            InputError: if the format lists them, and cannot be read.
        """


class FolderContent(NamedTuple):
    """A new folder in a format.

    Attributes:
        files: their bytes, by their paths below the folder.
        dropped: how many things of each kind the files do not hold.
    """

    files: dict[str, bytes]
    dropped: Counter[str]


class FolderFormat(AnnotationFormat):
    """A format whose annotations are a folder of files, with the images in it.

    Attributes:
        image_folder: the folder of the images in a new dataset folder.
        kept_keys: keys of annotations that it holds, besides those that every format has.
    """

    image_folder: ClassVar[str]
    kept_keys: ClassVar[tuple[str, ...]]

    @abstractmethod
    def dataset_root(self, path: Path) -> Path:
        """The folder that all files of a dataset are below, absolute.

        Raises:
            InputError: if the format says where it is, and cannot be read.
        """

    def reading_order(self, image: PurePosixPath) -> tuple[str, ...]:
        """What images are sorted by when the folder is read; ``image`` is a path below the dataset root."""
        return image.parts

    def why_left_out(self, annotation: Annotation, image: Image) -> str | None:
        """Why the format cannot hold the box of an annotation, one with area; ``None`` where it can."""
        return None

    @abstractmethod
    def export(
        self, coco: CocoFile, image_paths: Mapping[int, str], annotations: Mapping[int, Sequence[Annotation]]
    ) -> FolderContent:
        """The files of a new folder that holds annotations.

        Args:
            coco: the annotations.
            image_paths: of the images below the new folder, by image id, in the order in which they are read.
            annotations: those to write, by image id; each has a box that the format can hold.

        Raises:
            InputError: if something cannot be held, such as two images that would share a file.
        """
