"""What the doctor found, for people and for machines."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from ssd_det.annotations.values import shown
from ssd_det.console import listed, say
from ssd_det.doctor.examination import Examination, Mending
from ssd_det.doctor.faults import KINDS, Fault, Severity

STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
MOST_CATEGORIES = 20
MOST_NOTED = 3  # examples of a note on the screen; json holds them all


def health_record(path: str, examination: Examination, mending: Mending | None, fixed: str | None) -> dict[str, Any]:
    """What was found, as json.

    Args:
        path: of the file.
        examination: of it.
        mending: what was done, ``None`` where nothing was meant to be.
        fixed: where the mended file is.

    Returns:
        ``file``, ``counts``, ``per_category``, ``passed_through``, ``errors``, ``warnings``, ``notes``, ``faults`` and
        ``fix``, ``None`` or what was done and what is left.
    """
    return {
        "file": path,
        "counts": examination.counts,
        "per_category": examination.per_category,
        "passed_through": examination.passed_through,
        **_found(examination),
        "fix": mending and {"file": fixed, "done": mending.done, "left": _found(mending.left)},
    }


def _found(examination: Examination) -> dict[str, Any]:
    return {
        **{f"{severity}s": examination.count(severity) for severity in Severity},
        "faults": [
            {
                "kind": fault.kind,
                "severity": fault.known.severity,
                "count": fault.count,
                "meaning": fault.known.meaning,
                "mend": fault.known.mend,
                "fixable": fault.known.did is not None,
                "examples": fault.examples,
            }
            for fault in examination.faults
        ],
    }


def print_health(path: str, examination: Examination) -> None:
    """Show what a file holds and what is wrong with it: a table, then each fault with examples and its mend."""
    say(f"{path}: " + ", ".join(f"{count} {name}" for name, count in examination.counts.items()) + ".")
    most = sorted(examination.per_category.items(), key=lambda item: -item[1])
    rest = f" and {len(most) - MOST_CATEGORIES} more categories" if len(most) > MOST_CATEGORIES else ""
    say("Annotations of each category: " + ", ".join(f"{k} {v}" for k, v in most[:MOST_CATEGORIES]) + f"{rest}.")
    say(f"Will pass through refining: {listed(examination.passed_through)}.")
    if not examination.faults:
        say("No faults were found.")
        return
    console = Console()
    console.print()
    console.print(_summary(examination.faults))
    for severity in Severity:
        faults = [fault for fault in examination.faults if fault.known.severity == severity]
        for fault in faults:
            _print_fault(console, fault)


def _summary(faults: list[Fault]) -> Table:
    table = Table(title="What was found", title_justify="left")
    for name in ("", "fault", "count", "--fix"):
        table.add_column(name, justify="right" if name == "count" else "left")
    for fault in sorted(faults, key=lambda fault: list(Severity).index(fault.known.severity)):
        style = STYLES[fault.known.severity]
        mends = "mends it" if fault.known.did else ""
        table.add_row(f"[{style}]{fault.known.severity}[/]", fault.kind, str(fault.count), mends)
    return table


def _print_fault(console: Console, fault: Fault) -> None:
    style = STYLES[fault.known.severity]
    title = f"[{style}]{fault.known.severity}[/] [bold]{fault.kind}[/]: {escape(fault.known.meaning)}"
    console.print(f"\n{title}", highlight=False)
    examples = fault.examples[:MOST_NOTED] if fault.known.severity == Severity.NOTE else fault.examples
    lines = [escape(example_line(example)) for example in examples]
    if fault.count > len(lines):
        lines.append(f"and {fault.count - len(lines)} more")
    mend = f"{fault.known.mend} --fix does it." if fault.known.did else fault.known.mend
    lines.append(f"[italic]{escape(mend)}[/]")
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2), expand=False), highlight=False)


def example_line(example: dict[str, Any]) -> str:
    """An example in words: what it is, its file, and the values that are wrong."""
    values = dict(example)
    place, group = values.pop("place", None), values.pop("list", None)
    name = next((key for key in ("image", "annotation", "category") if key in values), None)
    words = []
    if name is not None:
        key = values.pop(name)
        words.append(f"{group}[{place}]" if key is None else f"{name} {key}")
    elif group is not None:
        words.append(group)
    if "file_name" in values:
        words.append(str(values.pop("file_name")))
    return ", ".join([*words, *(f"{key} {shown(value)}" for key, value in values.items())])


def print_mending(mending: Mending, path: str) -> None:
    """Say what was done, and what a second look finds."""
    say("")
    say(f"{path}: " + ("mended, the rest is as it was:" if mending.done else "nothing could be mended; a copy."))
    for kind, count in mending.done.items():
        say(f"  {kind} ({count}): {KINDS[kind].did}.")
    counts = {severity: mending.left.count(severity) for severity in Severity}
    left = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())
    kinds = ", ".join(f.kind for f in mending.left.faults if f.known.severity != Severity.NOTE)
    say(f"Left in it: {left}" + (f" ({kinds})." if kinds else "."))
