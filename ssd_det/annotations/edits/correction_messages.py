"""What is said of trusted boxes, and of what they correct."""

from pathlib import Path

from ssd_det.annotations.edits.corrected import SIDES, Correction
from ssd_det.annotations.trusted import TrustedBoxes
from ssd_det.annotations.values import first_of
from ssd_det.console import listed, say, warn
from ssd_det.ops.shared_offsets import LEAST_BOXES, SharedOffsets


def say_matched(trusted: str, matched: TrustedBoxes) -> None:
    """Say how many boxes of a trusted file found an annotation, and which did not."""
    say(f"{trusted}: {len(matched.boxes)} trusted boxes, {matched.by_overlap} of them matched by overlap.")
    if matched.unmatched:
        which = first_of(matched.unmatched)
        warn(f"{trusted}: annotations {which}: overlap no box of their class that is still free; they are left out.")
    if matched.other_class:
        warn(f"{trusted}: annotations {first_of(matched.other_class)}: have another class there; theirs is kept.")


def say_corrected(path: str | Path, correction: Correction) -> None:
    """Say what trusted boxes show to be shared, and how many boxes it moved.

    Args:
        path: of the file that has the boxes.
        correction: what was done.
    """
    if correction.taught < LEAST_BOXES:
        say(f"{correction.taught} trusted boxes can be compared with noisy ones: fewer than 3 correct no others.")
    else:
        say(f"What {correction.taught} trusted boxes say of all others, in units of the box, with 95% intervals:")
        for row, name in enumerate(correction.categories):
            say(f"  {name} ({correction.offsets.counts[row]} trusted): {_sides(correction.offsets, row)}")
        if correction.record:
            say(correction.record.sentence)
    passed = listed(correction.passed_through)
    say(f"{path}: {correction.trusted} boxes trusted, {correction.corrected} corrected, unchanged: {passed}.")


def _sides(offsets: SharedOffsets, row: int) -> str:
    """What is done to the four sides of a category."""
    certain = offsets.certain[row]
    return ", ".join(
        f"{name} {side:+.1%} ± {margin:.1%}{'' if sure else ' (left as it is)'}"
        for name, side, margin, sure in zip(SIDES, offsets.sides[row], offsets.margins[row], certain, strict=True)
    )
