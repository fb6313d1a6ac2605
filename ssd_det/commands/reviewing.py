"""The command that writes what a review has decided."""

from pathlib import Path

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.edits.reviewed import Review, read_review, reviewed_content
from ssd_det.annotations.output import check_output, write_json
from ssd_det.console import say


def apply_review(annotations: str, decisions: str, *, output: str, overwrite: bool = False) -> None:
    """Write the final annotation file: trusted boxes are put in, rejected ones go back, all else stays as it is.

    Args:
        annotations: the COCO json file that was reviewed, as refine-annotations wrote it, or any other.
        decisions: the json file that the page of the report exported.
        output: the annotation file to write.
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=[annotations, decisions], overwrite=overwrite)
    coco = read_coco(annotations)
    review = read_review(Path(decisions), coco)
    write_json(path, reviewed_content(coco, review))
    say(f"{path}: {_what_was_done(coco, review)}.")


def _what_was_done(coco: CocoFile, review: Review) -> str:
    """What a review has made of a file, in words."""
    parts = []
    refined = {annotation.id for annotation in coco.annotations if annotation.original_bbox is not None}
    if refined or not review.trusted:
        rejected = sum(decision == "reject" for decision in review.decisions.values())
        accepted = len(review.decisions) - rejected
        left = len(refined - review.trusted.keys()) - rejected - accepted
        parts.append(
            f"of {len(refined)} refined boxes {rejected} rejected and back to their originals, {accepted} accepted, "
            f"{left} not decided and left as refined"
        )
    if review.trusted:
        own = {annotation.id: list(annotation.bbox) for annotation in coco.annotations}
        moved = sum(list(box) != own[key] for key, box in review.trusted.items())
        parts.append(f"{len(review.trusted)} boxes trusted, {moved} of them corrected, the others right as they were")
    return "; ".join(parts)
