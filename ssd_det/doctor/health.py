"""What the doctor found, for people and for machines."""

from rich.markup import escape
from rich.padding import Padding
from rich.table import Table

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.values import MOST_NAME, shown
from ssd_det.console import SafeConsole, listed, say
from ssd_det.doctor.examination import Examination, FixedFile
from ssd_det.doctor.fault_kinds import Severity
from ssd_det.doctor.faults import KINDS, Fault
from ssd_det.foreign.shown_text import cut

STYLES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}
MOST_CATEGORIES = 20
MOST_NOTE_EXAMPLES = 3  # on the screen; json holds them all


def health_record(path: str, examination: Examination, fixed: FixedFile | None, fixed_path: str | None) -> JsonObject:
    """What was found, as json.

    Args:
        path: of the file.
        examination: of it.
        fixed: the fixed file, ``None`` where none was asked for.
        fixed_path: where it was written.

    Returns:
        ``file``, ``counts``, ``per_category``, ``passed_through``, ``errors``, ``warnings``, ``notes``, ``faults`` and
        ``fix``, ``None`` or what was done and what is left.
    """
    return {
        "file": path,
        "counts": examination.counts,
        "per_category": examination.per_category,
        "passed_through": examination.passed_through,
        **_faults_record(examination),
        "fix": None if fixed is None else {"file": fixed_path, "done": fixed.done, "left": _faults_record(fixed.left)},
    }


def _faults_record(examination: Examination) -> JsonObject:
    return {
        **{f"{severity}s": examination.count(severity) for severity in Severity},
        "faults": [
            {
                "kind": fault.kind,
                "severity": fault.details.severity,
                "count": fault.count,
                "meaning": fault.details.meaning,
                "mend": fault.details.advice,
                "fixable": fault.details.fixable,
                "examples": fault.examples,
            }
            for fault in examination.faults
        ],
    }


def print_health(path: str, examination: Examination) -> None:
    """Show what a file holds and what is wrong with it: a table, then each fault with examples and advice."""
    say(f"{path}: " + ", ".join(f"{count} {name}" for name, count in examination.counts.items()) + ".")
    categories = sorted(examination.per_category.items(), key=lambda item: -item[1])
    rest = f" and {len(categories) - MOST_CATEGORIES} more categories" if len(categories) > MOST_CATEGORIES else ""
    largest = ", ".join(f"{name} {count}" for name, count in categories[:MOST_CATEGORIES])
    say(f"Annotations of each category: {largest}{rest}.")
    say(f"Refining will leave unchanged: {listed(examination.passed_through)}.")
    if not examination.faults:
        say("No faults were found.")
        return
    console = SafeConsole()
    console.print()
    console.print(_summary(examination.faults))
    for fault in _by_severity(examination.faults):
        _print_fault(console, fault)


def _by_severity(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: list(Severity).index(fault.details.severity))


def _summary(faults: list[Fault]) -> Table:
    table = Table(title="Faults", title_justify="left")
    for name in ("", "fault", "count", "--fix"):
        table.add_column(name, justify="right" if name == "count" else "left")
    for fault in _by_severity(faults):
        severity = f"[{STYLES[fault.details.severity]}]{fault.details.severity}[/]"
        table.add_row(severity, fault.kind, str(fault.count), "fixes it" if fault.details.fixable else "")
    return table


def _print_fault(console: SafeConsole, fault: Fault) -> None:
    kind = fault.details
    title = f"[{STYLES[kind.severity]}]{kind.severity}[/] [bold]{fault.kind}[/]: {escape(kind.meaning)}"
    console.print(f"\n{title}", highlight=False)
    examples = fault.examples[:MOST_NOTE_EXAMPLES] if kind.severity == Severity.NOTE else fault.examples
    lines = [escape(example_line(example)) for example in examples]
    if fault.count > len(lines):
        lines.append(f"and {fault.count - len(lines)} more")
    advice = f"{kind.advice} --fix does this." if kind.fixable else kind.advice
    lines.append(f"[italic]{escape(advice)}[/]")
    for line in lines:
        console.print(Padding(line, (0, 0, 0, 2), expand=False), highlight=False)


def example_line(example: JsonObject) -> str:
    """An example in words: what it is, its file, and the values that are wrong."""
    if "sentence" in example:
        return str(example["sentence"])
    values = dict(example)
    index, list_name = values.pop("place", None), values.pop("list", None)
    kind = next((key for key in ("image", "annotation", "category") if key in values), None)
    words = []
    if kind is not None:
        entry_id = values.pop(kind)
        words.append(f"{list_name}[{index}]" if entry_id is None else f"{kind} {shown(entry_id)}")
    elif list_name is not None:
        words.append(list_name)
    if "file_name" in values:
        words.append(cut(values.pop("file_name"), MOST_NAME))
    return ", ".join([*words, *(f"{key} {shown(value)}" for key, value in values.items())])


def print_fixes(fixed: FixedFile, path: str) -> None:
    """Say what was fixed, and what a check of the result finds."""
    say("")
    say(f"{path}: " + ("fixed, everything else is unchanged:" if fixed.done else "a copy; nothing could be fixed."))
    for kind, count in fixed.done.items():
        say(f"  {kind} ({count}): {KINDS[kind].fix}.")
    counts = {severity: fixed.left.count(severity) for severity in Severity}
    left = ", ".join(f"{count} {severity}{'' if count == 1 else 's'}" for severity, count in counts.items())
    kinds = ", ".join(f.kind for f in fixed.left.faults if f.details.severity != Severity.NOTE)
    say(f"Remaining: {left}" + (f" ({kinds})." if kinds else "."))
