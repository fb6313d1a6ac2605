"""What refining did, for wandb: the refined file as an artifact, images with their boxes, and what moved most."""

from collections.abc import Mapping
from pathlib import Path

import wandb
from lightning.pytorch.loggers import WandbLogger

from ssd_det.annotations.coco import CocoFile
from ssd_det.report.moved_table import moved_table
from ssd_det.report.panels import panel
from ssd_det.report.pictures import most_moved

PANELS = 8


def track_refined(logger: WandbLogger, coco: CocoFile, paths: Mapping[int, Path], path: Path) -> None:
    """Log a refined file, panels of the images whose boxes moved most, and a table of the annotations that did.

    Args:
        logger: of a run, online or offline.
        coco: the refined file.
        paths: its images, by id.
        path: where it lies.
    """
    artifact = wandb.Artifact("refined-annotations", type="annotations")
    artifact.add_file(str(path))
    logger.experiment.log_artifact(artifact)
    names = {category.id: category.name for category in coco.categories}
    panels = []
    for image_id in [image_id for image_id in most_moved(coco) if image_id in paths][:PANELS]:
        annotations = coco.annotations_by_image[image_id]
        scores = {a.id: score for a in annotations if (score := coco.entry(a).get("refine_score")) is not None}
        panels.append(panel(coco.image_by_id[image_id], paths[image_id], annotations, names, scores))
    logger.experiment.log({"refined": panels, "most_moved": moved_table(coco, paths)})
