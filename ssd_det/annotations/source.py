"""Where annotations come from that are no COCO json, and how their boxes get back into their files."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from ssd_det.ops.box_types import Xywh


class Rewritten(NamedTuple):
    """The files of a format with other boxes in them.

    Attributes:
        files: all of them, by their places below the folder.
        kept: how many boxes could not be put in, as nothing of them would be left in the file's numbers.
    """

    files: dict[str, bytes]
    kept: int


@dataclass(frozen=True)
class Source(ABC):
    """A folder of annotation files.

    Attributes:
        given: the path that the user gave.
        home: the folder that the places of all its files start from.
        links: images by the places that a copy of the folder needs them at.
        fixed: why an annotation, by its position, cannot get another box.
        unheld: how many things of each kind there are that only this format holds.
    """

    given: Path
    home: Path
    links: dict[str, Path] = field(repr=False)
    fixed: dict[int, str] = field(repr=False)
    unheld: dict[str, int]

    @abstractmethod
    def rewritten(self, boxes: Mapping[int, Xywh], folder: Path) -> Rewritten:
        """The files with other boxes; all else in them is as it was, to the byte.

        Args:
            boxes: the other boxes, xywh in pixels, by the positions of their annotations.
            folder: where the files are going to be.
        """
