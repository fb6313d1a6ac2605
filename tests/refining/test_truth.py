"""Scores that trusted boxes correct; the refiner is played by a function, whose errors are known."""

import math
from dataclasses import replace

import pytest
import torch
from torchmetrics.functional.classification import binary_calibration_error

from ssd_det.models.signals import SIGNALS
from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.refining.edges import EdgeEvidence
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.rehearsal import Calibration, Outcomes, calibrate
from ssd_det.refining.truth import with_truth
from tests.refining.test_rehearsal import COUNT, SIDE, PlayedRefiner

TIGHT = 0.5


def xywh(boxes):
    return torch.cat([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], dim=1).tolist()


@pytest.fixture(scope="module")
def tight():
    """Boxes that are all too tight, as the refiner sees all objects: what a rehearsal says of them, and the truth."""
    refiner = PlayedRefiner(0.25)
    size = torch.tensor([0, 0, math.log(TIGHT), math.log(TIGHT)], dtype=torch.float64).expand(COUNT, 4)
    refiner.noisy, refiner.seen = displaced(refiner.noisy, size), displaced(refiner.seen, size)
    refined, _, signals = refiner.refine(refiner.noisy)
    sizes = torch.full((COUNT, 2), float(SIDE), dtype=torch.float64)
    objects = FileObjects(range(COUNT), range(COUNT), sizes, refiner.noisy, refined, refined, signals)
    level = refiner.estimate(refiner.noisy)
    rehearsed = calibrate(objects, level, refiner.refine_again, refiner.read_image, COUNT, seed=0)
    return objects.blended(rehearsed.blend), rehearsed, refiner.true


def test_what_all_boxes_share_is_seen_by_trusted_ones_alone(tight):
    objects, rehearsed, true = tight
    is_trusted = torch.arange(COUNT) % 15 == 0
    boxes = xywh(true)
    found = with_truth(rehearsed, objects, {row: boxes[row] for row in range(0, COUNT, 15)})
    assert found.truth.count == 60
    before, after = iou(objects.noisy, true), iou(objects.refined, true)
    others = ~is_trusted

    def error(calibration):
        return binary_calibration_error(calibration.scores[others], (after > before)[others].long(), n_bins=10)

    def reached(calibration):
        return torch.where(calibration.scores >= calibration.min_score, after, before)[others].mean()

    assert error(found) < 0.75 * error(rehearsed)
    assert reached(found) > reached(rehearsed) + 0.003
    grew = displacement(objects.noisy, objects.refined)[:, 2:].sum(dim=1) > 0
    assert (found.scores - rehearsed.scores)[grew].mean() > 0.05 > (found.scores - rehearsed.scores)[~grew].mean()


def case(said, closer, count=60, min_score=0.5, rehearsed=300):
    """A file of which all boxes are trusted; the rehearsal has said how many refined boxes are closer, and others are.

    Returns:
        The calibration of a rehearsal, the objects, and their trusted boxes.
    """
    random = torch.Generator().manual_seed(0)
    corner = 100 + 100 * torch.rand(count, 2, generator=random, dtype=torch.float64)
    true = torch.cat([corner, corner + 60], dim=1)
    far, near = (displaced(true, true.new_tensor([move, 0, 0, 0]).expand(count, 4)) for move in (0.2, 0.1))
    is_closer = (torch.arange(count) * 7 % count < closer * count)[:, None]
    noisy, refined = torch.where(is_closer, far, near), torch.where(is_closer, near, far)
    sizes, signals = torch.full((count, 2), 400.0), torch.zeros(count, len(SIGNALS))
    objects = FileObjects(range(count), range(count), sizes, noisy, refined, refined, signals)
    gains = torch.where(torch.rand(rehearsed, generator=random) < said, 0.1, -0.1).double()
    moves = torch.randn(rehearsed, 4, generator=random, dtype=torch.float64) * 0.1
    learnt_from = Outcomes(torch.full((rehearsed,), said, dtype=torch.float64), gains, moves)
    scores = torch.full((count,), said, dtype=torch.float64)
    calibration = Calibration(scores, min_score, 0.3, rehearsed, EdgeEvidence(0.0, 0.0), learnt_from)
    return calibration, objects, dict(enumerate(xywh(true)))


def test_where_trusted_boxes_contradict_the_rehearsal_they_are_right():
    found = with_truth(*case(said=0.93, closer=0.1))
    assert found.truth.contradicts
    assert found.scores.mean() < 0.3
    taken = found.scores >= found.min_score
    assert taken.double().mean() < 0.2
    doubted = with_truth(*case(said=0.2, closer=0.95))
    assert doubted.truth.contradicts
    assert (doubted.scores >= doubted.min_score).double().mean() > 0.8


def test_where_they_agree_hardly_anything_changes():
    calibration, objects, trusted = case(said=0.8, closer=0.8)
    # Which way boxes moved says nothing here.
    random = displaced(objects.noisy, torch.randn(60, 4, generator=torch.Generator().manual_seed(1)).double() * 0.01)
    found = with_truth(calibration, replace(objects, refined=random), trusted)
    assert not found.truth.contradicts
    assert (found.scores - calibration.scores).abs().mean() < 0.08
    assert found.min_score == pytest.approx(0.5, abs=0.3)


def test_few_trusted_boxes_change_nothing():
    calibration, objects, trusted = case(said=0.93, closer=0.1)
    assert with_truth(calibration, objects, dict(list(trusted.items())[:9])) is calibration
    assert with_truth(calibration, objects, {}) is calibration


@pytest.mark.parametrize(("closer", "are_taken"), [(0.55, False), (0.95, True)])
def test_where_the_rehearsal_takes_none_only_sure_trusted_boxes_do(closer, are_taken):
    calibration, objects, trusted = case(said=0.0, closer=closer, min_score=1.0, rehearsed=0)
    found = with_truth(calibration, objects, trusted)
    assert (found.min_score < 1) is are_taken
