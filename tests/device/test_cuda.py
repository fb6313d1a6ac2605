"""What only a GPU can show: results of the CPU, the same to the bit every time, and no waits backwards either."""

import pytest
import torch
from torch.testing import assert_close
from torch.utils._pytree import tree_map_only

from ssd_det.batches.batch import RefineBatch
from ssd_det.models.views import make_views
from ssd_det.ops.bag_pooling import Pyramid, pool_boxes
from ssd_det.ops.sampling import uniform_draws
from ssd_det.tasks.refine_pass import RefinePass, TrainedRefiner
from tests.device import networks

pytestmark = [pytest.mark.cuda, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")]


def batch_on(device):
    return RefineBatch(**tree_map_only(torch.Tensor, lambda value: value.to(device), vars(networks.batch())))


def step(network, device):
    """Losses and gradients of a refiner."""
    batch = batch_on(device)
    network = network.to(device)
    network.zero_grad()
    draws = uniform_draws(batch.seeds, 10).to(device)
    losses = network.head.losses(network(batch.images, batch.objects, draws), batch.objects)
    torch.stack(list(losses.values())).sum().backward()
    gradients = {name: value.grad.cpu() for name, value in network.named_parameters() if value.grad is not None}
    return {name: loss.detach().cpu() for name, loss in losses.items()}, gradients


def test_a_step_is_that_of_the_cpu():
    network = networks.refiner()
    losses, gradients = step(network, "cpu")
    losses_found, gradients_found = step(network, "cuda")
    assert_close(losses_found, losses, rtol=1e-3, atol=1e-5)
    assert_close(gradients_found, gradients, rtol=1e-2, atol=1e-4)


def test_pooling_is_the_same_to_the_bit_with_deterministic_algorithms():
    features = [torch.rand(2, 8, 64 // 2**level, 96 // 2**level, device="cuda") for level in range(4)]
    features = [feature.requires_grad_() for feature in features]
    low = torch.rand(400, 2, device="cuda") * 200
    boxes = torch.cat([low, low + 300 * torch.rand(400, 2, device="cuda") + 1], dim=1)
    images = torch.arange(400, device="cuda") % 2

    def gradients():
        pooled = pool_boxes(Pyramid(features, (4, 8, 16, 32)), boxes, images)
        return [pooled, *torch.autograd.grad((pooled**2).sum(), features)]

    torch.use_deterministic_algorithms(True)
    try:
        assert all(torch.equal(one, other) for one, other in zip(gradients(), gradients(), strict=True))
    finally:
        torch.use_deterministic_algorithms(False)


def test_a_step_of_the_refiner_never_waits_backwards_either():
    network, batch = networks.refiner().cuda(), batch_on("cuda")
    draws = uniform_draws(batch.seeds, 10).cuda()

    def learn():
        losses = network.head.losses(network(batch.images, batch.objects, draws), batch.objects)
        torch.stack(list(losses.values())).sum().backward()

    learn()  # what libraries do once is not counted
    torch.cuda.set_sync_debug_mode("error")
    try:
        learn()
    finally:
        torch.cuda.set_sync_debug_mode("default")


def test_boxes_stay_in_full_precision_under_autocast():
    network, batch = networks.refiner().cuda(), batch_on("cuda")
    with torch.autocast("cuda", torch.bfloat16):
        output = network(batch.images, batch.objects, uniform_draws(batch.seeds, 10).cuda())
        losses = network.head.losses(output, batch.objects)
    assert output.bag_a.dtype == output.bag_b.dtype == output.r1.dtype == output.refined.dtype == torch.float32
    torch.stack(list(losses.values())).sum().backward()
    assert all(loss.isfinite() for loss in losses.values())


def test_refining_is_that_of_the_cpu():
    refiner = networks.refiner().eval()
    found = []
    for device in ("cpu", "cuda"):
        refining = RefinePass([TrainedRefiner(refiner, torch.zeros(0, dtype=torch.long))], make_views(flip=True))
        refining.to(device)
        with torch.inference_mode():
            found.append(refining.predict_step(batch_on(device), 0).boxes.cpu())
    assert_close(found[1], found[0], rtol=1e-3, atol=0.05)


def test_a_joint_step_and_the_detectors_run():
    batch = batch_on("cuda")
    joint = networks.joint_model().cuda()
    output, detection = joint(batch.images, batch.objects, uniform_draws(batch.seeds, 10).cuda())
    losses = {**joint.refiner.head.losses(output, batch.objects), **detection}
    boxes, labels = batch.objects.boxes, batch.objects.labels + 1
    targets = [{"boxes": boxes[:2], "labels": labels[:2]}, {"boxes": boxes[2:], "labels": labels[2:]}]
    for name in ("faster_rcnn", "retinanet", "fcos"):
        losses |= networks.detector(name).cuda()(list(batch.images), targets)
    torch.stack(list(losses.values())).sum().backward()
    assert all(loss.isfinite() for loss in losses.values())
