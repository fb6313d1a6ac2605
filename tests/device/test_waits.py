"""What makes the CPU wait for a GPU, found and counted without one; docs/gpu.md has the table."""

import dataclasses

import pytest
import torch
import torchvision
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from ssd_det.annotations.coco import Category
from ssd_det.batches.batch import Objects
from ssd_det.models.views import make_views
from ssd_det.ops.device_values import copied_to
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.kept_features import KeptFeatures
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import RefinePass, TrainedRefiner
from tests.conftest import TINY_MODEL
from tests.device import networks
from tests.device.stand_in import CUDA, OnGpu, StandInGpu, WrongDeviceError

COUNTED_WITH = "0.29"  # torchvision's own waits change with its versions
TORCHVISION = {"joint": 48, "faster_rcnn": 66, "retinanet": 39, "fcos": 37}


def moved(batch):
    """A batch as Lightning moves it."""
    parts = {field.name: getattr(batch, field.name) for field in dataclasses.fields(batch)}
    return type(batch)(**tree_map_only(torch.Tensor, OnGpu, parts))


def refine(gpu, settings=None):
    network = gpu.moved(networks.refiner(**(settings or {})))
    batch = moved(networks.batch())
    gpu.waits.clear()
    output = network(batch.images, batch.objects, copied_to(CUDA, uniform_draws(batch.seeds, 10)))
    return network.head.losses(output, batch.objects)


def detect(gpu, name):
    network = gpu.moved(networks.detector(name))
    batch = moved(networks.batch())
    boxes, labels = batch.objects.boxes, batch.objects.labels + 1
    targets = [{"boxes": boxes[:2], "labels": labels[:2]}, {"boxes": boxes[2:], "labels": labels[2:]}]
    gpu.waits.clear()
    return network(list(batch.images), targets)


def learn_jointly(gpu):
    network = gpu.moved(networks.joint_model())
    batch = moved(networks.batch())
    gpu.waits.clear()
    output, detection = network(batch.images, batch.objects, copied_to(CUDA, uniform_draws(batch.seeds, 10)))
    return {**network.refiner.head.losses(output, batch.objects), **detection}


def elsewhere(gpu):
    """The waits outside of torchvision."""
    return {key: count for key, count in gpu.waits.items() if key[1] != "torchvision"}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"merging": "ranking", "object_relevance": "layer", "spsd_modules": 2},
        {"merging": "agreement", "resample": True, "revalidate": True},
        {"use_stage2": False, "use_stage1_regressor": False},
        {"sampling_ratio": 0},
    ],
)
def test_a_step_of_the_refiner_never_waits(settings):
    with StandInGpu() as gpu:
        losses = refine(gpu, settings)
        assert not gpu.waits
    assert all(loss.device == CUDA and loss.values.isfinite() for loss in losses.values())


def test_the_refiner_computes_on_the_stand_in_what_it_computes_on_the_cpu():
    torch.manual_seed(0)
    with StandInGpu() as gpu:
        found = {name: loss.values for name, loss in refine(gpu).items()}
    torch.manual_seed(0)
    network, batch = networks.refiner(), networks.batch()
    output = network(batch.images, batch.objects, uniform_draws(batch.seeds, 10))
    for name, loss in network.head.losses(output, batch.objects).items():
        torch.testing.assert_close(found[name], loss.detach(), rtol=1e-4, atol=1e-6)


def test_pytorchs_own_fake_tensors_find_neither_a_wait_nor_a_tensor_left_on_the_cpu(monkeypatch):
    """Without a ``ShapeEnv`` whatever depends on values raises, as do tensors of two devices."""
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda values: values)  # not implemented for fake tensors
    with FakeTensorMode():
        with torch.device("cuda"):
            network = networks.refiner()
            objects = Objects(
                torch.rand(3, 4), torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long), torch.rand(2, 2)
            )
            images, draws = torch.rand(2, 3, 64, 96), torch.rand(2, 4, 10)
        losses = network.head.losses(network(images, objects, draws), objects)
    assert all(loss.device == CUDA for loss in losses.values())


def test_a_training_step_of_the_refiner_waits_once_to_see_whether_the_loss_is_finite(monkeypatch):
    task = RefineTask(**TINY_MODEL)
    task.categories = [Category(number, str(number)) for number in range(networks.CLASSES)]
    task.configure_model()
    monkeypatch.setattr(task, "finish_step", lambda terms, output, count: task.log_losses(terms, count))
    for name in ("log", "log_dict"):  # Lightning's
        monkeypatch.setattr(task, name, lambda *_, **__: None)
    monkeypatch.setattr(RefineTask, "trainer", _Trainer)
    with StandInGpu() as gpu:
        gpu.moved(task)
        batch = moved(networks.batch())
        gpu.waits.clear()
        task.training_step(batch, 0)
        assert gpu.waits == {("_local_scalar_dense", "base.py"): 1}


class _Trainer:
    optimizers = (torch.optim.SGD([torch.zeros(1)], lr=0.1),)


def test_refining_waits_for_nothing_but_its_result():
    refiner = networks.refiner().eval()
    with StandInGpu() as gpu, torch.no_grad():
        gpu.moved(refiner)
        refining = RefinePass([TrainedRefiner(refiner, torch.zeros(0, dtype=torch.long))], make_views(flip=True))
        batch = moved(networks.batch())
        gpu.waits.clear()
        refining.predict_step(batch, 0)
        assert not gpu.waits


def test_features_that_are_kept_cost_a_wait_for_the_ids_of_the_images():
    refiner = networks.refiner().eval()
    with StandInGpu() as gpu, torch.no_grad():
        gpu.moved(refiner)
        batch = moved(networks.batch())
        kept = KeptFeatures(range(10**4), most_bytes=2**30)
        trained = TrainedRefiner(refiner, torch.zeros(0, dtype=torch.long))
        refining = RefinePass([trained], make_views(flip=True), kept)
        for _ in range(2):
            gpu.waits.clear()
            refining.predict_step(batch, 0)
            assert sum(gpu.waits.values()) == 1


def test_a_joint_step_waits_twice_for_what_the_detector_must_know():
    with StandInGpu() as gpu:
        losses = learn_jointly(gpu)
        assert elsewhere(gpu) == {("copy to cpu", "joint_model.py"): 2}
    assert all(loss.device == CUDA for loss in losses.values())


@pytest.mark.parametrize("name", ["faster_rcnn", "retinanet", "fcos"])
def test_all_waits_of_a_detector_are_torchvisions(name):
    with StandInGpu() as gpu:
        losses = detect(gpu, name)
        assert elsewhere(gpu) == {}
    assert all(loss.device == CUDA for loss in losses.values())


@pytest.mark.skipif(not torchvision.__version__.startswith(COUNTED_WITH), reason="counted with another torchvision")
@pytest.mark.parametrize("name", TORCHVISION)
def test_how_often_torchvision_waits(name):
    with StandInGpu() as gpu:
        torch.manual_seed(0)
        learn_jointly(gpu) if name == "joint" else detect(gpu, name)
        assert sum(count for key, count in gpu.waits.items() if key[1] == "torchvision") == TORCHVISION[name]


def hidden_item(values):
    return values / values.max().item()


WAITS = {
    "a number": (hidden_item, "_local_scalar_dense"),
    "a condition": (lambda values: values if values.sum() > 0 else -values, "_local_scalar_dense"),
    "a list": (lambda values: values.tolist(), "copy to cpu"),
    "a copy to the CPU": (lambda values: values.cpu(), "copy to cpu"),
    "a copy into a tensor of the CPU": (lambda values: torch.zeros(4).copy_(values), "copy to cpu"),
    "a constant": (lambda values: values * values.new_tensor([1.0, 2, 3, 4]), "copy to cuda"),
    "a copy from pageable memory": (lambda _: torch.ones(4).to(CUDA, non_blocking=True), "copy to cuda"),
    "a mask": (lambda values: values[values > 1], "boolean index"),
    "where it is": (torch.nonzero, "nonzero"),
    "repetition": (lambda values: values.repeat_interleave(values.long()), "repeat_interleave"),
    "suppression": (lambda values: torchvision.ops.nms(values[None], values[:1], 0.5), "nms"),
}


@pytest.mark.parametrize("name", WAITS)
def test_waits_are_found(name):
    wait, kind = WAITS[name]
    with StandInGpu() as gpu:
        wait(OnGpu(torch.tensor([1.0, 2, 3, 4])))
        assert [(found, count) for (found, _), count in gpu.waits.items()] == [(kind, 1)]


def test_a_tensor_left_on_the_cpu_is_found():
    with StandInGpu(), pytest.raises(WrongDeviceError):
        OnGpu(torch.ones(3)) + torch.ones(3)


def test_what_is_copied_from_pinned_memory_is_not_waited_for():
    with StandInGpu() as gpu:
        assert copied_to(CUDA, torch.ones(3)).device == CUDA
        assert not gpu.waits
