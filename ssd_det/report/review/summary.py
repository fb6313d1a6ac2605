"""What the page says of the whole: tiles, tables and figures."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl

from ssd_det.annotations.coco import CocoFile
from ssd_det.report.comparison_table import three_digits
from ssd_det.report.figures import FigureData, figures
from ssd_det.report.measured_boxes import MeasuredBoxes
from ssd_det.report.quality import Comparison, Quality, Statistics
from ssd_det.report.result_tables import Table, detector_table, rounds_table, trusted_table
from ssd_det.report.run_results import RunResults
from ssd_det.report.trusted_reliability import TrustedReliability, trusted_reliability

SHRINK = 0.65  # of the figures of a run, three of which are beside each other then
FONT_SIZE = 8  # points
DRAWN_ON = {"light": "black", "dark": "white"}
INK = ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color")
CAPTIONS = {
    "moves": "How much of its original each refined box overlaps",
    "iou": "Boxes before and after refining, against the true ones",
    "reliability": "What scores promise, and what they keep",
    "training": "Losses of the trainings",
    "precision_recall": "Precision and recall of the detectors",
}


@dataclass(frozen=True)
class Tile:
    """A number of the page, with what it is of, and what it means."""

    label: str
    value: str
    note: str


@dataclass(frozen=True)
class PageFigure:
    """A figure of the page: its caption, and the names of its files for a light and for a dark page."""

    caption: str
    light: str
    dark: str


@dataclass(frozen=True)
class PageSummary:
    """What the page says of the whole.

    Attributes:
        tiles: the numbers on top.
        tables: below them.
        figures: what the figures beside the tables are drawn from.
    """

    tiles: list[Tile]
    tables: list[Table] = field(default_factory=list)
    figures: FigureData = field(default_factory=FigureData)


def summarise(
    coco: CocoFile,
    boxes: MeasuredBoxes,
    comparison: Comparison | None = None,
    results: RunResults | None = None,
) -> PageSummary:
    """Say in short what refining did to a file.

    Args:
        coco: the file.
        boxes: its boxes, measured.
        comparison: with the true boxes, where these are known.
        results: of the pipeline's run that the file is from, if it is.
    """
    changed = boxes.rows(boxes.refined.nonzero().flatten().tolist())
    total, refined = len(boxes.annotations), len(changed.annotations)
    tiles = [
        Tile("Annotations", f"{total:,}", f"in {len(coco.images):,} images"),
        Tile("Refined", f"{refined:,}", f"{total - refined:,} left as they were"),
    ]
    if refined:
        tiles.append(Tile("Centres moved by", f"{changed.shift.median():.1f} px", "half of the refined boxes by more"))
        mean = changed.iou_with_original.mean()
        tiles.append(Tile("IoU with the original", f"{mean:.3f}", "mean of the refined boxes"))
    tables = [detector_table(results)] if results is not None else []
    if comparison is not None:
        tiles += _quality_tiles(comparison)
        tables.append(_quality_table(comparison))
    trusted = trusted_reliability(coco)
    if trusted is not None:
        tiles.append(_trusted_tile(trusted))
        tables.append(trusted_table(trusted))
    if results is not None and results.rounds:
        tables.append(rounds_table(results.rounds))
    figure_data = FigureData(
        boxes=boxes if comparison is not None else None,
        scores=comparison.scores if comparison is not None else None,
        curves=results.curves if results is not None else {},
        detectors=results.detectors if results is not None else {},
        iou_with_original=changed.iou_with_original if refined else None,
    )
    return PageSummary(tiles, tables, figure_data)


def write_page_figures(folder: Path, data: FigureData) -> list[PageFigure]:
    """Draw the figures once for a light and once for a dark page.

    Args:
        folder: gets them as svg files; made if need be.
        data: what they are drawn from.

    Returns:
        Those that were drawn, in the order of the page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = set()
    for theme, colour in DRAWN_ON.items():
        style: dict[Any, Any] = {
            **dict.fromkeys(INK, colour),
            "font.size": FONT_SIZE,
            "savefig.transparent": True,
            "svg.hashsalt": "ssd-det",
        }
        with mpl.rc_context(style):
            for name, picture in figures(data).items():
                drawn.add(name)
                width, height = picture.get_size_inches()
                picture.set_size_inches(width * SHRINK, height * SHRINK)
                picture.savefig(folder / f"{name}_{theme}.svg", metadata={"Date": None})
    return [
        PageFigure(caption, f"{name}_light.svg", f"{name}_dark.svg")
        for name, caption in CAPTIONS.items()
        if name in drawn
    ]


def _trusted_tile(trusted: TrustedReliability) -> Tile:
    """The reliability on trusted boxes, with what all boxes had in common."""
    note = f"of {trusted.scores.count} trusted boxes, 95% interval; the scores say {trusted.scores.mean_score:.0%}"
    value = f"{trusted.low:.0%} to {trusted.high:.0%}"
    return Tile("Closer to trusted boxes", value, f"{note}. {trusted.offsets}" if trusted.offsets else note)


def _quality_tiles(comparison: Comparison) -> Iterator[Tile]:
    before, after = comparison.before, comparison.after.all
    if after.mean_iou is None:
        return
    earlier = f"{before.all.mean_iou:.3f} → " if before else ""
    yield Tile("IoU with the true box", f"{earlier}{after.mean_iou:.3f}", "mean, before and after refining")
    earlier = f"{before.all.above_50:.0%} → " if before else ""
    yield Tile("Boxes above IoU 0.5", f"{earlier}{after.above_50:.0%}", "with the true box")
    scores = comparison.scores
    if scores is not None:
        note = f"of the refined boxes; their scores say {scores.mean_score:.0%}"
        yield Tile("Closer to the truth", f"{scores.share:.0%}", note)


def _quality_table(comparison: Comparison) -> Table:
    """The mean IoU and the share above 0.5, before and after, of all boxes, by size and by category."""
    after = _groups(comparison.after)
    before = _groups(comparison.before) if comparison.before else [(name, None) for name, _ in after]
    rows = []
    for (name, now), (_, earlier) in zip(after, before, strict=True):
        if now.count:
            means = (earlier.mean_iou if earlier else None, now.mean_iou)
            shares = (earlier.above_50 if earlier else None, now.above_50)
            rows.append([name, str(now.count), *map(three_digits, (*means, *shares))])
    columns = ["of", "boxes", "mean before", "mean after", "> 0.5 before", "> 0.5 after"]
    return Table("IoU with the true boxes", columns, rows)


def _groups(quality: Quality) -> list[tuple[str, Statistics]]:
    return [("all", quality.all), *quality.by_size.items(), *quality.by_category.items()]
