"""Looking an annotation file and its images over before work starts."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image as PillowImage

from ssd_det.data.coco import CocoFile, Image
from ssd_det.data.dataset import check_size, undecodable
from ssd_det.data.image_files import missing_images_error, resolve_images
from ssd_det.errors import InputError
from ssd_det.formats.image_names import UNREADABLE


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
    passed = Counter(reason for a in coco.annotations if (reason := coco.reason_to_skip(a)) is not None)
    counts = {
        "images": len(coco.images),
        "images without annotations": len(coco.images) - len(coco.annotations_by_image),
        "annotations": len(coco.annotations),
        "categories": len(coco.categories),
    }
    paths, missing = resolve_images(coco, image_root)
    faults = [str(missing_images_error(coco, image_root, missing))] if missing else []
    faults += [fault for key, path in paths.items() if (fault := _header_fault(path, coco.image_by_id[key]))]
    return Findings(counts, dict(per_category), dict(passed), faults)


def _header_fault(path: Path, image: Image) -> str | None:
    try:
        with PillowImage.open(path) as file:
            check_size(path, image, *file.size)
    except UNREADABLE:
        return str(undecodable(path, image))
    except InputError as error:
        return str(error)
    return None
