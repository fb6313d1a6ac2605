from types import SimpleNamespace

import pytest
import torch
from torchvision.models import resnet18

from ssd_det.annotations.coco import Category
from ssd_det.errors import InputError
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.new_training import built_for_trial, check_random_weights
from ssd_det.tasks.refine import RefineTask
from tests.conftest import TINY_DETECTOR, TINY_JOINT, TINY_MODEL

TASKS = [(RefineTask, TINY_MODEL), (DetectTask, TINY_DETECTOR), (JointTask, TINY_JOINT)]
DATA = SimpleNamespace(categories=[Category(1, "cell")], shortest_side=64, longest_side=96)


def known(kind, settings):
    task = kind(**settings)
    task.take_data(DATA)
    return task


@pytest.mark.parametrize(("kind", "settings"), TASKS)
def test_a_trial_takes_no_memory_and_leaves_the_task_without_a_network(kind, settings):
    task = known(kind, settings)
    assert {parameter.device.type for parameter in built_for_trial(task).parameters()} == {"meta"}
    assert not list(task.parameters())


@pytest.mark.parametrize(("kind", "settings"), TASKS)
def test_a_trial_takes_the_data_in_place_of_the_task(kind, settings):
    task = kind(**settings)
    twin = built_for_trial(task, DATA)
    assert twin.categories == DATA.categories
    assert list(twin.parameters())
    assert task.categories is None
    assert task.hparams == kind(**settings).hparams


@pytest.mark.parametrize(("kind", "settings"), TASKS)
def test_what_no_network_can_be_built_of_is_named(kind, settings):
    with pytest.raises(InputError, match="fpn_channels is 20"):
        built_for_trial(known(kind, {**settings, "fpn_channels": 20}))
    with pytest.raises(InputError, match=r"none\.pth are neither a file"):
        built_for_trial(known(kind, {**settings, "weights": "none.pth"}))


def test_a_trial_with_weights_of_a_file_warns_of_nothing(tmp_path, recwarn):
    torch.save(resnet18().state_dict(), tmp_path / "weights.pth")
    built_for_trial(known(RefineTask, {**TINY_MODEL, "weights": str(tmp_path / "weights.pth")}))
    assert not recwarn.list


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"frozen_stages": 2}, r"model\.frozen_stages 2 would keep .* set model\.frozen_stages to 0, or give"),
        (
            {"freeze_batch_norm": True},
            r"freeze_batch_norm true would keep .* set model\.freeze_batch_norm to false",
        ),
        ({"frozen_stages": 1, "freeze_batch_norm": True}, "stages to 0 and model.freeze_batch_norm to false"),
    ],
)
def test_layers_with_random_weights_may_not_be_kept_from_learning(settings, message):
    with pytest.raises(InputError, match=message):
        check_random_weights({**TINY_MODEL, **settings})
    check_random_weights({**TINY_MODEL, **settings, "weights": "DEFAULT"})


def test_random_weights_may_train():
    check_random_weights(TINY_MODEL)
