from copy import deepcopy

import pytest
import torch
from torch.testing import assert_close

from ssd_det.batches.batch import FailedBatch
from ssd_det.models.signals import PASS_SIGNALS
from ssd_det.models.views import make_views
from ssd_det.ops.boxes import mirror, mirror_images
from ssd_det.ops.noise_level import far_from_borders
from ssd_det.tasks.kept_features import KeptFeatures
from ssd_det.tasks.refine import RefineTask
from ssd_det.tasks.refine_pass import RefinePass, TrainedRefiner
from tests.conftest import TINY_MODEL


@pytest.fixture
def refiner(datamodule):
    torch.manual_seed(0)
    task = RefineTask(**TINY_MODEL)
    task.categories = datamodule.categories
    task.configure_model()
    return TrainedRefiner(task.refiner, torch.zeros(0, dtype=torch.long))


def test_averaging_over_the_flip_is_the_mean_of_both(refiner, datamodule):
    batch = next(iter(datamodule.to_refine().loader(1)))
    once, twice = (RefinePass([refiner], make_views(flip=flip)).eval() for flip in (False, True))
    with torch.no_grad():
        plain, both = (refine.predict_step(batch, 0) for refine in (once, twice))
        widths = batch.objects.image_sizes[:, 1]
        batch.images = mirror_images(batch.images, widths)
        object_widths = widths[batch.objects.image_index]
        batch.objects = batch.objects._replace(boxes=mirror(batch.objects.boxes, object_widths))
        flipped = once.predict_step(batch, 0)
    scale = batch.scales[batch.objects.image_index][:, 0]
    expected = (plain.boxes + mirror(flipped.boxes, object_widths / scale)) / 2
    assert_close(both.boxes, expected, rtol=0, atol=1e-4)
    of_pass = slice(len(PASS_SIGNALS))
    means = (plain.signals + flipped.signals)[:, of_pass] / 2
    assert_close(both.signals[:, of_pass], means, rtol=0, atol=1e-6)


def test_a_pass_finds_the_boxes_that_a_plain_forward_does(refiner, datamodule):
    batch = next(iter(datamodule.to_refine().loader(1)))
    plain = deepcopy(refiner.refiner).eval()
    with torch.no_grad():
        found = RefinePass([refiner], make_views()).eval().predict_step(batch, 0)
        boxes = plain(batch.images, batch.objects).refined
    assert_close(found.boxes, boxes / batch.scales[batch.objects.image_index].repeat(1, 2), rtol=0, atol=1e-3)


def test_another_pass_over_the_same_images_takes_the_features_of_the_first(refiner, datamodule):
    batch = next(iter(datamodule.to_refine().loader(1)))
    kept = KeptFeatures(batch.image_ids.tolist())
    looks = []
    refiner.refiner.backbone.register_forward_hook(lambda *_: looks.append(1))
    found = []
    with torch.no_grad():
        for _ in range(2):
            found.append(RefinePass([refiner], make_views(flip=True), kept).eval().predict_step(batch, 0))
    assert len(looks) == 2  # once a view
    assert torch.equal(found[0].boxes, found[1].boxes)
    assert torch.equal(found[0].signals, found[1].signals)


def test_a_batch_that_could_not_be_read_is_handed_on(refiner):
    failed = FailedBatch("a.png: does not decode.")
    assert RefinePass([refiner], make_views()).predict_step(failed, 0) is failed


def test_noise_is_learnt_from_images_that_a_refiner_has_not_seen(refiner, datamodule):
    batch = next(iter(datamodule.to_refine().loader(1)))
    sizes = torch.stack([batch.objects.image_sizes[0], torch.full_like(batch.objects.image_sizes[1], 60)])
    batch.objects = batch.objects._replace(image_sizes=sizes)
    torch.manual_seed(1)
    task = RefineTask(**TINY_MODEL)
    task.categories = datamodule.categories
    task.configure_model()
    unseen = batch.image_ids[:1]
    both = [refiner, TrainedRefiner(task.refiner, unseen)]
    with torch.no_grad():
        found = RefinePass(both, make_views()).eval().predict_step(batch, 0)
        alone = RefinePass([TrainedRefiner(task.refiner, batch.image_ids)], make_views()).eval().predict_step(batch, 0)
        other = RefinePass([refiner], make_views()).eval().predict_step(batch, 0)
    new = batch.objects.image_index == 0
    assert_close(found.unseen_boxes[new], alone.boxes[new])
    assert_close(found.unseen_boxes[~new], found.boxes[~new])
    (unseen_far, unseen), (far, every) = found.statistics[:, :, 0]
    assert every.tolist() == [2 * len(new)] * 2
    assert unseen.tolist() == [new.sum()] * 2
    scales = batch.scales[batch.objects.image_index].repeat(1, 2)
    of_other, of_alone = (
        far_from_borders(one.boxes * scales, sizes[batch.objects.image_index]) for one in (other, alone)
    )
    assert far.tolist() == (of_other.sum(dim=0) + of_alone.sum(dim=0)).tolist()
    assert unseen_far.tolist() == of_alone[new].sum(dim=0).tolist()
    assert 0 < far.sum() < every.sum()
    assert_close(alone.statistics[0], alone.statistics[1])
