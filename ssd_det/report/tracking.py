"""What refining did, for wandb: the refined file as an artifact, and images with their boxes."""

from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import WandbLogger

from ssd_det.data.coco import Annotation, Box, CocoFile
from ssd_det.data.dataset import read_image
from ssd_det.report.pictures import most_moved

PANELS = 8


def track_refined(logger: WandbLogger, coco: CocoFile, paths: dict[int, Path], path: Path) -> None:
    """Log a refined file, and panels of the images whose boxes moved most.

    Args:
        logger: of a run, online or offline.
        coco: the refined file.
        paths: its images, by id.
        path: where it lies.
    """
    artifact = wandb.Artifact("refined-annotations", type="annotations")
    artifact.add_file(str(path))
    logger.experiment.log_artifact(artifact)
    chosen = [image_id for image_id in most_moved(coco) if image_id in paths][:PANELS]
    logger.experiment.log({"refined": [_panel(coco, image_id, paths[image_id]) for image_id in chosen]})


def _panel(coco: CocoFile, image_id: int, path: Path) -> wandb.Image:
    image = coco.image_by_id[image_id]
    names = {category.id: category.name for category in coco.categories}
    annotations = coco.annotations_by_image[image_id]
    groups = {
        "noisy": [(a, a.original_bbox or a.bbox) for a in annotations],
        "refined": [(a, a.bbox) for a in annotations],
        "true": [(a, a.true_bbox) for a in annotations if a.true_bbox],
    }
    boxes = {
        name: {"box_data": [_entry(coco, a, box) for a, box in group], "class_labels": names}
        for name, group in groups.items()
        if group
    }
    return wandb.Image(read_image(path, image), boxes=boxes, caption=image.file_name)


def _entry(coco: CocoFile, annotation: Annotation, box: Box) -> dict[str, Any]:
    x, y, width, height = box
    entry: dict[str, Any] = {
        "position": {"minX": x, "minY": y, "maxX": x + width, "maxY": y + height},
        "domain": "pixel",
        "class_id": annotation.category_id,
    }
    score = coco.entry(annotation).get("refine_score")
    return entry if score is None else {**entry, "scores": {"refine_score": score}}
