"""Looking an annotation file and its images over before work starts."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as PillowImage

from ssd_det.data.coco import CocoFile, missing_images_error, resolve_images
from ssd_det.data.dataset import UNREADABLE, check_size
from ssd_det.errors import InputError


@dataclass(frozen=True)
class Findings:
    """What an annotation file holds, and what is wrong with it.

    Attributes:
        counts: how many there are, by name.
        per_category: annotations of each category, by name.
        passed_through: annotations that refining will leave as they are, by reason.
        faults: one sentence each.
    """

    counts: dict[str, int]
    per_category: dict[str, int]
    passed_through: dict[str, int]
    faults: list[str] = field(default_factory=list)


def look_over(coco: CocoFile, image_root: str | Path) -> Findings:
    """Count what a file holds, and compare the headers of its images with it.

    Raises:
        InputError: if ``image_root`` is not a folder.
    """
    names = {category.id: category.name for category in coco.categories}
    per_category = Counter(names[a.category_id] for a in coco.annotations)
    reasons = Counter(coco.reason_to_skip(annotation) for annotation in coco.annotations)
    reasons.pop(None, None)
    counts = {
        "images": len(coco.images),
        "images without annotations": len(coco.images) - len(coco.annotations_by_image),
        "annotations": len(coco.annotations),
        "categories": len(coco.categories),
    }
    paths, missing = resolve_images(coco, image_root)
    faults = [str(missing_images_error(coco, image_root, missing))] if missing else []
    faults += [fault for image_id, path in paths.items() if (fault := _header_fault(coco, image_id, path))]
    passed = {reason: count for reason, count in reasons.items() if reason is not None}
    return Findings(counts, dict(per_category), passed, faults)


def _header_fault(coco: CocoFile, image_id: int, path: Path) -> str | None:
    try:
        with PillowImage.open(path) as image:
            check_size(path, coco.image_by_id[image_id], *image.size)
    except UNREADABLE:
        return f"{path}: image {image_id} does not decode: replace the file or leave it out."
    except InputError as error:
        return str(error)
    return None
