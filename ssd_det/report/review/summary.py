"""What the page says of the whole: tiles, tables and figures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.output import make_folder
from ssd_det.ops.boxes import centre_distance, corners, iou
from ssd_det.report.figures import figures
from ssd_det.report.quality import compare, overlaps
from ssd_det.report.result_tables import Rows, detector_table
from ssd_det.report.run_results import read_results, training_curves
from ssd_det.report.screen_tables import figure

SHRINK = 0.65  # of the figures of a run, three of which are beside each other then
LETTERS = 8  # points
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
class Summary:
    """What the page says of the whole.

    Attributes:
        tiles: each with ``label``, ``value`` and ``note``.
        tables: title, columns and rows of each.
        drawn: what :func:`ssd_det.report.figures.figures` is to draw.
    """

    tiles: list[dict[str, str]]
    tables: list[Rows] = field(default_factory=list)
    drawn: dict[str, Any] = field(default_factory=dict)


def summarise(coco: CocoFile, known: tuple[CocoFile, CocoFile] | None, run: Path | None) -> Summary:
    """Collect what is known of a refined file.

    Args:
        coco: the file.
        known: the annotations, or some of them, as they are and with their true boxes, where these are known.
        run: the folder of the pipeline's run that the file is from, if it is.

    Raises:
        InputError: if the folder is not a run's, or annotation ids differ.
    """
    refined = [a for a in coco.annotations if a.original_bbox is not None]
    new, old = corners([a.bbox for a in refined]), corners([a.unrefined for a in refined])
    moves = iou(new, old)
    shifts = centre_distance(new, old)
    total = len(coco.annotations)
    tiles = [
        _tile("Annotations", f"{total:,}", f"in {len(coco.images):,} images"),
        _tile("Refined", f"{len(refined):,}", f"{total - len(refined):,} left as they were"),
    ]
    drawn: dict[str, Any] = {"moves": moves.tolist()}
    if refined:
        tiles.append(_tile("Centres moved by", f"{shifts.median():.1f} px", "half of the refined boxes by more"))
        tiles.append(_tile("IoU with the original", f"{moves.mean():.3f}", "mean of the refined boxes"))
    found: list[Rows] = []
    if known is not None:
        result = compare(*known)
        tiles += _quality_tiles(result)
        found.append(_quality_rows(result))
        drawn |= {"overlaps": overlaps(*known), "scores": result["scores"]}
    if run is not None:
        results = read_results(run)
        found = [detector_table(results), *found]
        drawn |= {"curves": training_curves(run), "detectors": results["detectors"]}
    return Summary(tiles, found, drawn)


def write_page_figures(folder: Path, drawn: Mapping[str, Any]) -> list[dict[str, str]]:
    """Draw the figures once for a light and once for a dark page.

    Args:
        folder: gets them as svg files; made if need be.
        drawn: of a :class:`Summary`.

    Returns:
        For each its ``caption``, and the names of its files as ``light`` and ``dark``.
    """
    make_folder(folder)
    names: dict[str, dict[str, str]] = {}
    for theme, colour in DRAWN_ON.items():
        style: dict[Any, Any] = {
            **dict.fromkeys(INK, colour),
            "font.size": LETTERS,
            "savefig.transparent": True,
            "svg.hashsalt": "ssd-det",
        }
        with mpl.rc_context(style):
            for name, picture in figures(**drawn).items():
                names.setdefault(name, {"caption": CAPTIONS[name]})[theme] = f"{name}_{theme}.svg"
                width, height = picture.get_size_inches()
                picture.set_size_inches(width * SHRINK, height * SHRINK)
                picture.savefig(folder / f"{name}_{theme}.svg", metadata={"Date": None})
    return [names[name] for name in CAPTIONS if name in names]


def _quality_tiles(result: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    before, after = result["before"], result["after"]["all"]
    if after["mean_iou"] is None:
        return
    earlier = f"{before['all']['mean_iou']:.3f} → " if before else ""
    yield _tile("IoU with the true box", f"{earlier}{after['mean_iou']:.3f}", "mean, before and after refining")
    earlier = f"{before['all']['above_50']:.0%} → " if before else ""
    yield _tile("Boxes above IoU 0.5", f"{earlier}{after['above_50']:.0%}", "with the true box")
    if result["scores"] is not None:
        promised, kept = result["scores"]["mean_score"], result["scores"]["share"]
        yield _tile("Closer to the truth", f"{kept:.0%}", f"of the refined boxes; their scores say {promised:.0%}")


def _quality_rows(result: Mapping[str, Any]) -> Rows:
    """The mean IoU and the share above 0.5, before and after, of all boxes, by size and by category."""
    stages = (result["before"], result["after"])
    groups = [("all", ""), *((kind, key) for kind in ("by_size", "by_category") for key in result["after"][kind])]
    rows = []
    for kind, key in groups:
        before, after = (quality and (quality[kind][key] if key else quality[kind]) for quality in stages)
        if after["count"]:
            cells = [
                figure(measured[name]) if measured else "-"
                for name in ("mean_iou", "above_50")
                for measured in (before, after)
            ]
            rows.append([key or kind, str(after["count"]), *cells])
    return "IoU with the true boxes", ["of", "boxes", "mean before", "mean after", "> 0.5 before", "> 0.5 after"], rows


def _tile(label: str, value: str, note: str) -> dict[str, str]:
    return {"label": label, "value": value, "note": note}
