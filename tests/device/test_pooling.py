"""Pooling on a GPU: always the same to the bit, or refused."""

import pytest
import torch

from ssd_det.errors import InputError
from ssd_det.ops.bag_pooling import Pyramid, check_adaptive, pool_boxes
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DETECTOR, TINY_MODEL
from tests.device.stand_in import CUDA, OnGpu, StandInGpu

REFUSED = "model.sampling_ratio is 0 and trainer.deterministic is set"


@pytest.fixture
def deterministic():
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("deterministic")
def test_adaptive_samples_are_refused_with_deterministic_algorithms_on_a_gpu():
    with pytest.raises(InputError, match=REFUSED):
        RefineTask(**TINY_MODEL, sampling_ratio=0).check_device(CUDA)
    with pytest.raises(InputError, match=REFUSED):
        DetectTask(**TINY_DETECTOR, sampling_ratio=0).check_device(CUDA)
    DetectTask(**TINY_DETECTOR, detector="fcos", sampling_ratio=0).check_device(CUDA)  # pools nothing
    RefineTask(**TINY_MODEL, sampling_ratio=2).check_device(CUDA)
    check_adaptive(0, torch.device("cpu"))
    with StandInGpu(), pytest.raises(InputError, match=REFUSED):
        pool([torch.rand(1, 4, 16, 16)], torch.tensor([[1.0, 2, 30, 40]]), 0)


def test_adaptive_samples_are_taken_else():
    check_adaptive(0, CUDA)


@pytest.mark.parametrize("sampling_ratio", [0, 2])
def test_boxes_are_not_rounded_beside_features_in_half_precision(sampling_ratio):
    """Half precision has steps of whole pixels at the coordinates of large images."""
    step = (torch.arange(320) >= 251).bfloat16().expand(1, 4, 40, 320)
    with StandInGpu():
        pooled = pool([step], torch.tensor([[1003.0, 21, 1007, 25]]), sampling_ratio)
        assert pooled.values.flatten()[0].item() == pytest.approx(0.75, abs=0.01)


def pool(features, boxes, sampling_ratio):
    images = OnGpu(torch.zeros(len(boxes), dtype=torch.long))
    pyramid = Pyramid([OnGpu(feature) for feature in features], (4,))
    return pool_boxes(pyramid, OnGpu(boxes), images, 1, sampling_ratio)
