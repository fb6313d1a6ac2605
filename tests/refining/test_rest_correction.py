import pytest
import torch

from ssd_det.models.signals import SIGNALS
from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.rest_correction import LEAST_IMAGES, without_rest

COUNT = 120
CATEGORIES = torch.zeros(COUNT, dtype=torch.long)


def xywh(boxes):
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1).tolist()


def case(part, images=24):
    """Objects that were refined part of the way, spread over images, and their true boxes."""
    random = torch.Generator().manual_seed(0)
    corner = 100 + 100 * torch.rand(COUNT, 2, generator=random, dtype=torch.float64)
    true = torch.cat([corner, corner + 60], dim=1)
    noisy = displaced(true, 0.2 * torch.randn(COUNT, 4, generator=random, dtype=torch.float64))
    refined = displaced(noisy, part * displacement(noisy, true))
    image_ids = [row % images for row in range(COUNT)]
    sizes, signals = torch.full((COUNT, 2), 300.0, dtype=torch.float64), torch.zeros(COUNT, len(SIGNALS))
    return FileObjects(range(COUNT), image_ids, sizes, noisy, refined, refined, signals), true


def test_all_boxes_lose_what_some_show_to_be_left():
    objects, true = case(0.5)
    boxes = xywh(true)
    after, gain = without_rest(objects, CATEGORIES, {row: boxes[row] for row in range(0, COUNT, 2)})
    others = torch.arange(COUNT) % 2 == 1
    before_iou, after_iou = iou(objects.refined, true), iou(after.refined, true)
    assert after_iou[others].mean() > before_iou[others].mean() + 0.02
    means = [overlaps[~others].mean().item() for overlaps in (before_iou, after_iou)]
    assert [gain.before, gain.after] == pytest.approx(means)
    assert f"{gain.before:.3f} before, {gain.after:.3f} after" in gain.sentence
    assert torch.equal(after.unseen, after.refined)
    assert torch.equal(after.noisy, objects.noisy)


def test_trusted_boxes_are_corrected_by_those_of_other_images():
    objects, true = case(0.5)
    boxes = xywh(true)
    trusted = {row: boxes[row] for row in range(0, COUNT, 2)}
    first, _ = without_rest(objects, CATEGORIES, trusted)
    wrong = displaced(true[:1], torch.tensor([[0.3, 0.3, 0.3, 0.3]], dtype=torch.float64))
    second, _ = without_rest(objects, CATEGORIES, {**trusted, 0: xywh(wrong)[0]})
    assert torch.equal(first.refined[0], second.refined[0])
    assert not torch.equal(first.refined[1], second.refined[1])


def test_where_nothing_is_left_nothing_changes():
    objects, true = case(1.0)
    boxes = xywh(true)
    after, gain = without_rest(objects, CATEGORIES, {row: boxes[row] for row in range(0, COUNT, 2)})
    assert after is objects
    assert gain is None


def test_the_boxes_of_few_images_change_nothing():
    objects, true = case(0.5, images=LEAST_IMAGES - 1)
    boxes = xywh(true)
    assert without_rest(objects, CATEGORIES, dict(enumerate(boxes))) == (objects, None)
    assert without_rest(objects, CATEGORIES, {}) == (objects, None)


def test_refiners_that_have_not_seen_an_image_teach():
    objects, true = case(0.5)
    learnt_by_heart = FileObjects(
        objects.annotation_ids,
        objects.image_ids,
        objects.image_sizes,
        objects.noisy,
        true.clone(),
        objects.unseen,
        objects.signals,
    )
    boxes = xywh(true)
    after, gain = without_rest(learnt_by_heart, CATEGORIES, {row: boxes[row] for row in range(0, COUNT, 2)})
    assert gain.before == pytest.approx(iou(objects.unseen, true)[::2].mean().item())
    assert not torch.equal(after.unseen, after.refined)
