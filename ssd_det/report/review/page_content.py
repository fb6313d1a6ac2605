"""What the scripts of the page are given to show."""

import json
import math
from dataclasses import asdict, dataclass

from ssd_det.report.quality import SIZE_LIMITS
from ssd_det.report.result_tables import Table
from ssd_det.report.review.objects import PageObject
from ssd_det.report.review.summary import PageFigure, Tile


@dataclass(frozen=True)
class PageFile:
    """The annotation file that a page is of.

    Attributes:
        name: without its folder.
        sha256: tells which file decisions were made on.
        annotations: how many it has.
        whole: whether the page shows all of them.
    """

    name: str
    sha256: str
    annotations: int
    whole: bool


@dataclass(frozen=True)
class PageImage:
    """An image of the page; its size is in pixels, ``missing`` says why it cannot be shown, ``None`` if it can."""

    name: str
    width: int
    height: int
    missing: str | None


@dataclass(frozen=True)
class PageSize:
    """A size of objects: the area in square pixels that all of them are below, ``None`` for the largest ones."""

    name: str
    below: float | None


SIZES = [PageSize(name, None if limit == math.inf else limit) for name, limit in SIZE_LIMITS]


@dataclass(frozen=True)
class PageContent:
    """All that the page shows, as its scripts read it.

    ``categories`` are told apart where the file has a name twice, ``category_names`` are as they stand there.
    ``choosing`` is set on a page of boxes to check, on which nothing else of the file is.
    """

    title: str
    choosing: bool
    file: PageFile
    categories: list[str]
    category_names: list[str]
    images: list[PageImage]
    objects: list[PageObject]
    tiles: list[Tile]
    tables: list[Table]
    figures: list[PageFigure]
    sizes: list[PageSize]
    decisions: list[str]

    def script(self) -> str:
        """The text of the script that hands the content to the page."""
        return f"window.content = {json.dumps(asdict(self))};\n"
