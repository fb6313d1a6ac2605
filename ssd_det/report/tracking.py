"""What refining did, for wandb: the refined file as an artifact, images with their boxes, and what moved most."""

from collections.abc import Mapping
from pathlib import Path

from lightning.pytorch.loggers import WandbLogger

from ssd_det.annotations.coco import CocoFile
from ssd_det.report.measured_boxes import carried_true_boxes, measure_file
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
    import wandb  # noqa: PLC0415 (it takes half a second, also where nothing is logged)

    artifact = wandb.Artifact("refined-annotations", type="annotations")
    artifact.add_file(str(path))
    logger.experiment.log_artifact(artifact)
    boxes = measure_file(coco, carried_true_boxes(coco.annotations))
    scores = {a.id: score for a, score in zip(boxes.annotations, boxes.scores, strict=True) if score is not None}
    names = {category.id: category.name for category in coco.categories}
    panels = [
        panel(coco.image_by_id[image_id], paths[image_id], coco.annotations_by_image[image_id], names, scores)
        for image_id in [image_id for image_id in most_moved(boxes) if image_id in paths][:PANELS]
    ]
    logger.experiment.log({"refined": panels, "most_moved": moved_table(coco, boxes, paths)})
