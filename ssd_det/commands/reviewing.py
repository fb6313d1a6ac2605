"""The command that writes what a review has decided."""

from pathlib import Path

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.edits.reviewed import read_decisions, reviewed_content
from ssd_det.annotations.output import check_output, write_json
from ssd_det.console import say


def apply_review(annotations: str, decisions: str, *, output: str, overwrite: bool = False) -> None:
    """Write the final annotation file: rejected boxes go back to their originals, all else stays as refined.

    Args:
        annotations: the COCO json file that was reviewed, as refine-annotations wrote it.
        decisions: the json file that the page of the report exported.
        output: the annotation file to write.
        overwrite: allow the output to exist.
    """
    path = check_output(output, others=[annotations, decisions], overwrite=overwrite)
    coco = read_coco(annotations)
    decided = read_decisions(Path(decisions), coco)
    write_json(path, reviewed_content(coco, decided))
    refined = sum(annotation.original_bbox is not None for annotation in coco.annotations)
    rejected = sum(decision == "reject" for decision in decided.values())
    accepted = len(decided) - rejected
    say(
        f"{path}: of {refined} refined boxes {rejected} rejected and back to their originals, {accepted} accepted, "
        f"{refined - rejected - accepted} not decided and left as refined."
    )
