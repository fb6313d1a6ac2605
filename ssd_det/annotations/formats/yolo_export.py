"""COCO as a YOLO folder."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import yaml

from ssd_det.annotations.annotation import Annotation
from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.formats.annotation_format import FolderContent
from ssd_det.annotations.formats.yolo_images import label_path_of
from ssd_det.annotations.formats.yolo_labels import COLUMNS_KEY, shares, texts_of
from ssd_det.annotations.paths import IMAGE_SUFFIXES
from ssd_det.errors import InputError

DECIMALS = 8  # a thousandth of a pixel in any image
NOTE = "# Everything is in train, and val is the same until you part them.\n"


def export_yolo(
    coco: CocoFile, image_paths: Mapping[int, str], annotations: Mapping[int, Sequence[Annotation]]
) -> FolderContent:
    """The label files and the data.yaml.

    Args:
        coco: the annotations.
        image_paths: of the images below the new folder, by image id.
        annotations: those to write, by image id; each box has an area in its image.

    Raises:
        InputError: if two images would have the same label file, or one has a suffix that is not YOLO's.
    """
    number_of = {category.id: number for number, category in enumerate(coco.categories)}
    dropped = Counter({"ids of categories": sum(key != number for key, number in number_of.items())})
    names = [category.name for category in coco.categories]
    settings = yaml.safe_dump(
        {"train": "images", "val": "images", "names": dict(enumerate(names))}, sort_keys=False, allow_unicode=True
    )
    files = {"data.yaml": (NOTE + settings).encode()}
    owners: dict[str, str] = {}
    for image_id, path in image_paths.items():
        image = coco.image_by_id[image_id]
        if not path.lower().endswith(IMAGE_SUFFIXES):
            raise InputError(
                f"{coco.path}: image {image_id}: {path} has a suffix that YOLO does not know: make it png or jpg."
            )
        label = label_path_of(PurePosixPath(path)).as_posix()
        if owners.setdefault(label, path) != path:
            raise InputError(
                f"{coco.path}: image {image_id}: {path} and {owners[label]} would have one label file: rename one."
            )
        lines = []
        for annotation in annotations[image_id]:
            numbers = texts_of(annotation.bbox, image, DECIMALS) or []
            dropped["boxes clipped to their image"] += not all(0 <= v <= 1 for v in shares(annotation.bbox, image))
            columns = str(coco.entry(annotation).get(COLUMNS_KEY) or "").split()
            if len(columns) > 1:  # without kpt_shape they would be read as a polygon
                dropped[COLUMNS_KEY] += 1
                columns = []
            lines.append(" ".join([str(number_of[annotation.category_id]), *numbers, *columns]) + "\n")
        if lines:
            files[label] = "".join(lines).encode()
    return FolderContent(files, dropped)
