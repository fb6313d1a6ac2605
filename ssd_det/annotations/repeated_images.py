"""Several image entries of one file, where a training takes the objects of the others for background."""

import sys
from collections import Counter

from ssd_det.annotations.coco import CocoFile
from ssd_det.foreign.shown_text import sentence_of


def repeated_file_names(coco: CocoFile) -> dict[str, int]:
    """How many image entries have each file name that several have."""
    counts = Counter(image.file_name for image in coco.images)
    return {name: count for name, count in counts.items() if count > 1}


def warn_of_repeated_images(coco: CocoFile) -> None:
    """Say on standard error if image entries share a file name."""
    repeated = repeated_file_names(coco)
    if not repeated:
        return
    name, count = next(iter(repeated.items()))
    text = (
        f"ssd-det: warning: {coco.path}: {sum(repeated.values())} image entries share {len(repeated)} file names "
        f"({count} are of {name}), so the objects of one entry count as background in the others: "
        f"see ssd-det check-annotations."
    )
    print(sentence_of(text), file=sys.stderr)
