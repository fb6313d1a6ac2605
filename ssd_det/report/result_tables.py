"""The results of a run as tables: on the screen and in markdown."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from rich import table as rich_table

from ssd_det.console import say, show
from ssd_det.report.comparison_table import three_digits
from ssd_det.report.rounds import Rounds
from ssd_det.report.run_results import RunResults
from ssd_det.report.trusted_reliability import TrustedReliability
from ssd_det.runs.layout import Boxes

TRAINED_ON: dict[Boxes, str] = {
    "noisy": "noisy boxes",
    "joint": "refined boxes, jointly",
    "refined": "refined boxes",
    "clean": "clean boxes",
}


@dataclass(frozen=True)
class Table:
    """A table of texts; the first column names its rows."""

    title: str
    columns: list[str]
    rows: list[list[str]]


def tables(results: RunResults) -> list[Table]:
    """All tables of a run's results."""
    made = [detector_table(results)]
    if results.quality:
        quality = [
            [
                stage,
                *map(three_digits, (all_boxes.mean_iou, all_boxes.above_50, all_boxes.above_75, all_boxes.above_90)),
            ]
            for stage, all_boxes in results.quality.items()
        ]
        made.append(Table("Boxes, IoU with the true ones", ["refining", "mean", "> 0.5", "> 0.75", "> 0.9"], quality))
    if results.trusted:
        made.append(trusted_table(results.trusted))
    if results.rounds:
        made.append(rounds_table(results.rounds))
    seconds = [[title, f"{value:.1f}"] for title, value in results.seconds.items()]
    seconds.append(["all stages", f"{results.total_seconds:.1f}"])
    made.append(Table("Wall time", ["stage", "seconds"], seconds))
    return made


def detector_table(results: RunResults) -> Table:
    """The table of detectors."""
    rows = [
        [TRAINED_ON[boxes], *(map(three_digits, metrics.main) if metrics else ["not run", "", ""])]
        for boxes, metrics in results.detectors.items()
        if metrics or boxes != "joint"
    ]
    rows += [
        [f"share won back by {TRAINED_ON[boxes]}", *map(_share, astuple(shares))]
        for boxes, shares in results.won_back.items()
    ]
    return Table("Detector on the test file", ["trained on", "AP", "AP50", "AP75"], rows)


def trusted_table(trusted: TrustedReliability) -> Table:
    """The table of trusted boxes: what the others are like, as nobody has checked them."""
    scores = trusted.scores
    rows = [
        ["as they were", three_digits(trusted.original), "", "", ""],
        ["corrected by what all share", three_digits(trusted.before), "", "", ""],
        [
            "refined",
            three_digits(trusted.after),
            f"{scores.share:.0%} ({trusted.low:.0%} to {trusted.high:.0%})",
            f"{scores.mean_score:.0%}",
            three_digits(scores.calibration_error),
        ],
    ]
    columns = ["boxes", "mean IoU", "closer (95% interval)", "scores say", "calibration error"]
    return Table(f"{scores.count} trusted boxes, compared with what they would be", columns, rows)


def rounds_table(rounds: Rounds) -> Table:
    """The table of rounds."""
    rows = [
        [one.name, "not there any more", "", "", "", ""]
        if one.trusted is None
        else [
            one.name,
            str(one.trusted),
            str(one.refined),
            three_digits(one.mean_iou),
            three_digits(one.ap),
            "" if one.seconds is None else f"{one.seconds:.1f}",
        ]
        for one in rounds.rounds
    ]
    columns = ["boxes", "trusted", "refined", "mean IoU", "AP", "seconds"]
    return Table(f"Rounds, compared with {rounds.judged} trusted boxes", columns, rows)


def print_results(results: RunResults) -> None:
    """Show the tables on the screen."""
    for table in tables(results):
        shown = rich_table.Table(title=table.title)
        for index, name in enumerate(table.columns):
            shown.add_column(name, justify="right" if index else "left")
        for row in table.rows:
            shown.add_row(*row)
        show(shown)
    if results.trusted and results.trusted.offsets:
        say(results.trusted.offsets)


def markdown(results: RunResults, pictures: Sequence[str]) -> str:
    """The tables in markdown, with pictures below.

    Args:
        results: of the run.
        pictures: their paths, as seen from the text.
    """
    parts = []
    for table in tables(results):
        rule = ["---", *["---:"] * (len(table.columns) - 1)]
        parts.append(f"## {table.title}\n\n" + "\n".join(map(_line, [table.columns, rule, *table.rows])))
    if results.trusted and results.trusted.offsets:
        parts.append(results.trusted.offsets)
    parts += [f"![{path}]({path})" for path in pictures]
    return "\n\n".join(parts) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
