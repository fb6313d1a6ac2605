"""The results of a run as tables: on the screen and in markdown."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from ssd_det.report.run_results import BOXES, FIGURES
from ssd_det.report.screen_tables import figure

Rows = tuple[str, list[str], list[list[str]]]


def tables(results: dict[str, Any]) -> list[Rows]:
    """Title, columns and rows of each table.

    Args:
        results: of :func:`ssd_det.report.run_results.read_results`.
    """
    found = [detector_table(results)]
    if results["quality"]:
        columns = ("mean_iou", "above_50", "above_75", "above_90")
        quality = [
            [stage, *(figure(measured[name]) for name in columns)] for stage, measured in results["quality"].items()
        ]
        found.append(("Boxes, IoU with the true ones", ["refining", "mean", "> 0.5", "> 0.75", "> 0.9"], quality))
    seconds = [[title, f"{value:.1f}"] for title, value in results["seconds"].items()]
    seconds.append(["all stages", f"{sum(results['seconds'].values()):.1f}"])
    found.append(("Wall time", ["stage", "seconds"], seconds))
    return found


def detector_table(results: dict[str, Any]) -> Rows:
    """Title, columns and rows of the table of detectors."""
    detectors = [
        [BOXES[boxes], *([figure(found[name]) for name in FIGURES] if found else ["not run", "", ""])]
        for boxes, found in results["detectors"].items()
        if found or boxes != "joint"
    ]
    detectors += [
        [f"share won back by {BOXES[boxes]}", *(_share(shares[name]) for name in FIGURES)]
        for boxes, shares in results["won_back"].items()
    ]
    return "Detector on the test file", ["trained on", "AP", "AP50", "AP75"], detectors


def print_results(results: dict[str, Any]) -> None:
    """Show the tables on the screen."""
    for title, columns, rows in tables(results):
        table = Table(title=title)
        for index, name in enumerate(columns):
            table.add_column(name, justify="right" if index else "left")
        for row in rows:
            table.add_row(*row)
        Console().print(table)


def markdown(results: dict[str, Any], pictures: Sequence[str]) -> str:
    """The tables in markdown, with pictures below.

    Args:
        results: of :func:`ssd_det.report.run_results.read_results`.
        pictures: their paths, as seen from the text.
    """
    parts = []
    for title, columns, rows in tables(results):
        lines = [_line(columns), _line(["---", *["---:"] * (len(columns) - 1)]), *map(_line, rows)]
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    parts += [f"![{path}]({path})" for path in pictures]
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
