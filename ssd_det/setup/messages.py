"""What ``ssd-det init`` prints: what was found, what was chosen, and what it will cost."""

from collections.abc import Mapping
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.recognise import format_of
from ssd_det.annotations.values import first_of
from ssd_det.console import duration, say, show
from ssd_det.setup.facts import DataFacts, Machine
from ssd_det.setup.rules import Settings
from ssd_det.setup.timing import Cost

BUSY = 1.3  # times as long as on free cores, from which it is worth a sentence
SHOWN = {
    "network": "backbone",
    "images a step": "batch_size",
    "objects an image and step": "max_objects",
    "learning rate": "learning_rate",
    "epochs": "max_epochs",
    "precision": "precision",
}


def print_seen(coco: CocoFile, data: DataFacts, machine: Machine) -> None:
    """Show data and machine."""
    low, middle, high = data.object_sides
    median, percentile_95, maximum = data.objects_per_image
    width, height = data.largest_image
    left_out = f", {data.left_out:,} more cannot be trained on" if data.left_out else ""
    rows = {
        "format": format_of(coco.path).title,
        "images": f"{data.images:,}, {data.images_with_objects:,} with objects; median {data.longest_side} by "
        f"{data.shortest_side} px, largest {width}x{height}",
        "objects": f"{data.objects:,}{left_out}; {median} an image, 95% of the images up to {percentile_95}, "
        f"at most {maximum}",
        "object sizes": f"median {middle:.0f} px, most from {low:.0f} to {high:.0f} px (root of the area)",
        "categories": f"{data.categories}: {first_of(category.name for category in coco.categories)}",
        "noise of the boxes": "estimated while the refiner trains, which adapts to it",
        "machine": machine.describe(),
    }
    table = _table(str(coco.path), "", "seen")
    for name, text in rows.items():
        table.add_row(name, escape(text))
    show(table)


def print_chosen(path: Path, settings: Settings, costs: Mapping[str, Cost | None]) -> None:
    """Show what was chosen, and what it will cost if that was measured."""
    table = _table(str(path), "chosen", "refiner", "detector")
    both = [{**settings.common, **choices} for choices in (settings.refine, settings.detect)]
    sizes = [f"at most {choices['longest_side'].value} by {choices['shortest_side'].value} px" for choices in both]
    table.add_row("images", *sizes)
    for name, setting in SHOWN.items():
        table.add_row(name, *(escape(str(choices[setting].value)) if setting in choices else "all" for choices in both))
    table.add_row("steps", *(f"{steps:,}" for steps in settings.steps))
    measured = [costs.get(section) for section in ("refine", "detect")]
    if any(measured):
        table.add_section()
        table.add_row("seconds a step", *("-" if cost is None else f"{cost.seconds:.2f}" for cost in measured))
        shares = ("-" if cost is None else f"{1 / cost.slowdown:.0%}" for cost in measured)
        table.add_row("of the time they wanted cores, they had them", *shares)
        table.add_row("peak memory", *("-" if cost is None else f"{cost.memory:.1f} GiB" for cost in measured))
    show(table)
    say(f"{path} gives the reason for each setting.")
    seconds = [cost.seconds * steps for cost, steps in zip(measured, settings.steps, strict=True) if cost is not None]
    if len(seconds) == len(measured):
        refiner, detector = map(duration, seconds)
        say(
            f"Training will take {duration(sum(seconds))}: the refiner {refiner}, the detector {detector}. "
            f"Refining and testing take additional time."
        )
        slowdown = max(cost.slowdown for cost in measured if cost is not None)
        if slowdown > BUSY:
            say(
                f"That is on free cores: other work on this machine made the steps that were measured take "
                f"{slowdown:.1f} times as long, and trainings beside it will as well."
            )


def _table(title: str, *columns: str) -> Table:
    table = Table(title=escape(title), title_justify="left")
    for column in columns:
        table.add_column(column)
    return table
