"""Tiny networks and batches, on the CPU."""

from dataclasses import asdict

import torch

from ssd_det.batches.batch import Objects, RefineBatch
from ssd_det.models.detector import build_detector, build_faster_rcnn, levels_above
from ssd_det.models.joint_model import JointModel
from ssd_det.models.refiner import build_refiner
from ssd_det.models.refiner_losses import LossWeights
from ssd_det.models.settings import taken_by
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DETECTOR, TINY_JOINT, TINY_MODEL

CLASSES = 3


def refiner(**settings):
    settings = {"loss_weights": asdict(LossWeights()), **settings}
    return build_refiner({**RefineTask(**TINY_MODEL).hparams, **settings}, CLASSES).train()


def joint_model():
    settings = {**JointTask(**TINY_JOINT).hparams, "shortest_side": 64, "longest_side": 96}
    network = build_refiner(settings, CLASSES, levels_above("convolution"))
    own = {name: value for name, value in taken_by(build_faster_rcnn, settings).items() if name != "backbone"}
    return JointModel(network, build_faster_rcnn(network.backbone, CLASSES, **own)).train()


def detector(name):
    settings = taken_by(build_detector, DetectTask(**TINY_DETECTOR).hparams)
    others = taken_by(build_faster_rcnn, DetectTask(**TINY_DETECTOR).hparams)
    return build_detector(name, CLASSES, **{**others, **settings}).train()


def batch():
    boxes = torch.tensor([[5.0, 5, 40, 40], [20, 20, 60, 60], [1, 1, 30, 30]])
    objects = Objects(boxes, torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1]), torch.tensor([[64.0, 96], [60, 96]]))
    return RefineBatch(
        images=torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(0)),
        objects=objects,
        true_boxes=boxes,
        annotation_ids=torch.arange(3),
        image_ids=torch.arange(2),
        scales=torch.ones(2, 2),
        seeds=(4, 5),
    )
