"""Several image entries of one file, where a training takes the objects of the others for background."""

from collections import Counter

from ssd_det.annotations.coco import CocoFile


def repeated_file_names(coco: CocoFile) -> dict[str, int]:
    """How many image entries have each file name that several have."""
    counts = Counter(image.file_name for image in coco.images)
    return {name: count for name, count in counts.items() if count > 1}


def repeated_images_warning(coco: CocoFile) -> str | None:
    """A line on image entries that share a file name; ``None`` where none do."""
    repeated = repeated_file_names(coco)
    if not repeated:
        return None
    name, count = next(iter(repeated.items()))
    return (
        f"Warning: {coco.path}: {sum(repeated.values())} image entries share {len(repeated)} file names ({name} is in "
        f"{count}), and the objects of one entry count as background in the others: see check-annotations."
    )
