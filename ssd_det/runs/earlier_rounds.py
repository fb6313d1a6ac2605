"""The rounds of a run: a person looks at the boxes of one, and the next goes on from it in a folder of its own."""

from pathlib import Path

from ssd_det.runs.records import previous_round_of


def rounds_before(run: Path) -> list[Path]:
    """Folders of the rounds that a run goes on from, the first one first; the first may not be there any more."""
    found: list[Path] = []
    previous = previous_round_of(run)
    while previous is not None and previous not in found:
        found.insert(0, previous)
        previous = previous_round_of(previous)
    return found
