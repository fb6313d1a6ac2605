"""Checkpoints are checked whole before anything is built of them."""

import os

import pytest
import torch

from ssd_det.errors import InputError
from ssd_det.tasks.checkpoint import load_checkpoint
from ssd_det.tasks.detect import DetectTask
from ssd_det.tasks.joint import JointTask
from ssd_det.tasks.refine import RefineTask
from ssd_det.torch_archive import damaged_part
from tests.tasks.checkpoints import checkpoint_of, new_task

KINDS = (RefineTask, DetectTask, JointTask)


@pytest.fixture(scope="module")
def contents():
    return {kind: checkpoint_of(kind) for kind in KINDS}


@pytest.fixture
def saved(tmp_path):
    def save(content, **changes):
        torch.save({**content, **changes}, tmp_path / "last.ckpt")
        return tmp_path / "last.ckpt"

    return save


def refused(path, kind=RefineTask):
    with pytest.raises(InputError) as caught:
        new_task(kind).restore(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_what_fit_wrote_is_restored(contents, saved, kind):
    path = saved(contents[kind])
    assert damaged_part(path) is None
    task = new_task(kind)
    task.restore(path)
    for name, value in task.state_dict().items():
        assert torch.equal(value, contents[kind]["state_dict"][name])
    assert [category.name for category in task.categories] == ["cat", "dog"]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_two_kilobytes_of_damage_are_noticed(contents, saved, share):
    path = saved(contents[RefineTask])
    data = bytearray(path.read_bytes())
    start = int(len(data) * share)
    data[start : start + 2048] = os.urandom(2048)
    path.write_bytes(data)
    torch.load(path, weights_only=True)  # which says nothing
    assert "is damaged (last/data/" in refused(path)


@pytest.mark.parametrize("share", [0.5, 0.999])
def test_a_checkpoint_that_was_cut_short_is_damaged(contents, saved, share):
    path = saved(contents[RefineTask])
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    assert "is damaged (the table at its end is not as it was written): give a whole copy of it" in refused(path)


def test_a_checkpoint_is_a_regular_file(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        assert "is not a regular file" in refused(tmp_path / name if name != "." else tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": ["refiner"]}, "its task is unknown"),
        ({"task": "painter"}, "its task is unknown"),
        ({"settings": None}, "its settings are not settings by name"),
        ({"settings": {1: 2}}, "its settings are not settings by name"),
        ({"categories": []}, "its categories are not a list of an id and a name each"),
        ({"categories": [{"id": "1", "name": "cat"}]}, "its categories are not"),
        ({"categories": [{"id": 1, "name": None}]}, "its categories are not"),
        ({"categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]}, "its categories are not"),
        ({"categories": [{"id": 1, "name": "a", "colour": "b"}]}, "its categories are not"),
        ({"state_dict": []}, "its state_dict does not hold tensors by name"),
        ({"state_dict": {"a": 1}}, "its state_dict does not hold tensors by name"),
        ({"state_dict": {"a": torch.zeros(1).expand(10**6, 10**6)}}, "its state_dict does not hold"),
        ({"state_dict": {"a": torch.zeros(3, 3).to_sparse()}}, "its state_dict does not hold"),
        ({"pytorch-lightning_version": 2}, "its pytorch-lightning_version is no version"),
        ({"hyper_parameters": {"_class_path": "os.path"}}, "it has hyper_parameters"),
        ({"noise": {"level": "high", "statistics": torch.zeros(5, 2)}}, "its noise is no estimate"),
        ({"noise": [0.4]}, "its noise is no estimate"),
        ({"RefineDataModule": {"unseen_images": [1, 2]}}, "its unseen_images are no ids"),
    ],
)
def test_what_is_of_another_type_is_named(contents, saved, changes, message):
    assert message in refused(saved(contents[RefineTask], **changes))


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (RefineTask, {"feature_width": "16"}, "its setting feature_width is of another type"),
        (RefineTask, {"ratios": 1.0}, "its setting ratios is of another type"),
        (RefineTask, {"use_sisd": 1}, "its setting use_sisd is of another type"),
        (RefineTask, {"backbone": "lenet"}, "its setting backbone is of another type"),
        (RefineTask, {"learning_rate": float("nan")}, "its setting learning_rate is of another type"),
        (RefineTask, {"loss_weights": {"spsd": 1.0}}, "its setting loss_weights is of another type"),
        (RefineTask, {"roi_size": 0}, "model.roi_size is 0"),
        (RefineTask, {"spsd_modules": 10**9}, "model.spsd_modules is 1000000000: give a number from 0 to 100"),
        (RefineTask, {"fpn_channels": 2**20}, "its weights do not fit its settings, such as "),
        (DetectTask, {"feature_width": 2**30}, "its weights do not fit its settings, such as "),
        (DetectTask, {"detector": 5}, "its setting detector is of another type"),
        (JointTask, {"shortest_side": "64"}, "its setting shortest_side is of another type"),
        (JointTask, {"detection_weights": None}, "its setting detection_weights is of another type"),
        (JointTask, {"proposals": 0}, "model.proposals is 0"),
    ],
)
def test_settings_are_checked_before_a_network_is_built_of_them(contents, saved, kind, changes, message):
    path = saved(contents[kind], settings={**contents[kind]["settings"], **changes})
    assert message in refused(path, kind)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(contents, saved, value):
    weights = dict(contents[RefineTask]["state_dict"])
    name = next(name for name in weights if name.endswith("weight"))
    weights[name] = weights[name].clone()
    weights[name].view(-1)[-1] = value
    message = refused(saved(contents[RefineTask], state_dict=weights))
    assert f"holds weights that are no finite numbers ({name}): give an earlier checkpoint" in message


def test_weights_of_another_network_are_refused(contents, saved):
    weights = dict(contents[RefineTask]["state_dict"])
    del weights[next(iter(weights))]
    assert "its weights do not fit its settings" in refused(saved(contents[RefineTask], state_dict=weights))


def test_a_checkpoint_of_a_large_network_is_checked_quickly(tmp_path):
    """No more than a pass over the file."""
    path = tmp_path / "large.ckpt"
    torch.save({"state_dict": {str(number): torch.zeros(1000, 1000) for number in range(4)}}, path)
    assert damaged_part(path) is None
    with pytest.raises(InputError, match="it has no task, settings, categories"):
        load_checkpoint(path)
