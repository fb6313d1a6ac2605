"""The folder that annotations other than COCO json were read from, and how other boxes get into its files."""

from abc import ABC, abstractmethod
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ssd_det.ops.box_types import Xywh


class Rewritten(NamedTuple):
    """The files of a folder with other boxes in them.

    Attributes:
        files: the bytes of all of them, by their paths below the dataset root.
        kept: how many boxes stay as they were, as the new ones would be empty in the numbers of the file.
    """

    files: dict[str, bytes]
    kept: int


@dataclass(frozen=True)
class SourceFolder(ABC):
    """A folder of annotation files.

    Attributes:
        dataset_root: the folder that all its files are below, absolute.
        links: the images that a copy of the folder links to, by their paths below it.
        fixed: why an annotation, by its position, cannot get another box.
        dropped: how many things of each kind COCO json does not hold.
        remarks: sentences about what was left out when the folder was read.
    """

    dataset_root: Path
    links: dict[str, Path] = field(repr=False)
    fixed: dict[int, str] = field(repr=False)
    dropped: dict[str, int]
    remarks: tuple[str, ...] = field(default=(), kw_only=True)

    @abstractmethod
    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path, removed: Container[int] = ()) -> Rewritten:
        """The files with other boxes; all else in them is as it was, to the byte.

        Args:
            boxes: the other boxes, xywh in pixels, by the positions of their annotations.
            folder: where the files will be.
            removed: the positions of annotations to take out.
        """
