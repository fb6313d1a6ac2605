"""Refiner heads for tests: as published, but for what a test sets."""

from dataclasses import asdict

from ssd_det.models.refiner import build_head
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.tasks.refine import RefineTask


def published_head(num_classes, channels, *, loss_weights=LossWeights(), **settings):  # noqa: B008 (frozen)
    own = {"fpn_channels": channels, "loss_weights": asdict(loss_weights), **settings}
    return build_head({**RefineTask().hparams, "merging": "ranking", **own}, num_classes)
