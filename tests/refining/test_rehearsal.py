"""Calibration with a refiner that is played by a function, whose errors are known."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchmetrics.functional.classification import binary_auroc, binary_calibration_error

from ssd_det.models.signals import SIGNALS
from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.refined_boxes import RefinedBoxes
from ssd_det.refining.rehearsal import calibrate, images_to_rehearse

COUNT = 900
SIDE = 500
RESPONSE = 0.2
EASY, HARD = 0.04, 0.35


class PlayedRefiner:
    """Objects that it sees well or badly, which one of its signals tells; the rest of them is chance."""

    def __init__(self, level, seed=0, easy=EASY, hard=HARD, pictures=False, scatter=0.02, folds=1):
        random = np.random.default_rng(seed)
        corner = random.uniform(100, 300, (COUNT, 2))
        size = random.uniform(40, 120, (COUNT, 2))
        self.true = torch.from_numpy(np.concatenate([corner, corner + size], axis=1))
        self.hard = torch.from_numpy(random.random(COUNT) < 0.3)
        error = torch.from_numpy(random.standard_normal((COUNT, 4)))
        self.seen = displaced(self.true, error * torch.where(self.hard, hard, easy)[:, None])
        self.noisy = displaced(self.true, torch.from_numpy(random.uniform(-level, level, (COUNT, 4))))
        self.random = random
        self.pictures = pictures
        self.scatter, self.folds = scatter, folds

    def refine(self, boxes, rows=slice(None)):
        """Boxes a part of the way from where it sees the objects to where they are said to be.

        Returns:
            The means of all folds, the boxes of the one that has not seen the images, and signals.
        """
        seen = self.seen[rows]
        scatter = torch.from_numpy(self.random.standard_normal((self.folds, len(boxes), 4))) * self.scatter
        of_folds = displaced(seen, RESPONSE * displacement(seen, boxes) + scatter)
        refined, unseen = of_folds.mean(dim=0), of_folds[0]
        signals = torch.from_numpy(self.random.standard_normal((len(boxes), len(SIGNALS))))
        signals[:, 0] = signals[:, 0] * 0.3 + self.hard[rows]
        signals[:, SIGNALS.index("overlap")] = iou(refined, boxes)
        return refined, unseen, signals

    def estimate(self, boxes, rows=slice(None)):
        """The noise level, as from one that sees each object where it is."""
        return (displacement(self.true[rows], boxes)[:, :2].std() * 3**0.5).item()

    def refine_again(self, annotation_ids, boxes):
        refined, unseen, signals = self.refine(boxes, annotation_ids)
        ids, order = torch.tensor(annotation_ids).sort()
        return RefinedBoxes(ids, refined[order], unseen[order], signals[order], self.estimate(boxes, annotation_ids))

    def read_image(self, image_id):
        """The object is bright before a dark background; or there is nothing to be seen."""
        image = np.zeros((SIDE, SIDE, 1), dtype=np.uint8)
        if self.pictures:
            x1, y1, x2, y2 = self.true[image_id].round().int().tolist()
            image[y1:y2, x1:x2] = 200
        return image

    def calibrate(self, images=COUNT):
        """The calibration, the refined boxes, and whether each is better."""
        refined, unseen, signals = self.refine(self.noisy)
        sizes = torch.full((COUNT, 2), float(SIDE), dtype=torch.float64)
        objects = FileObjects(range(COUNT), range(COUNT), sizes, self.noisy, refined, unseen, signals)
        found = calibrate(objects, self.estimate(self.noisy), self.refine_again, self.read_image, images, seed=0)
        refined = objects.blended(found.blend).refined if found and found.blend else refined
        return found, refined, iou(refined, self.true) > iou(self.noisy, self.true)


@pytest.mark.parametrize("level", [0.2, 0.4])
def test_scores_are_probabilities_and_tell_good_boxes_from_bad_ones(level):
    refiner = PlayedRefiner(level)
    found, refined, better = refiner.calibrate()
    scores = found.scores
    assert len(scores) == COUNT
    assert ((scores >= 0) & (scores <= 1)).all()
    assert found.rehearsed == COUNT
    assert binary_auroc(scores, better.long()) > 0.75
    assert binary_calibration_error(scores, better.long(), n_bins=10) < 0.12
    taken = torch.where(scores >= found.min_score, iou(refined, refiner.true), iou(refiner.noisy, refiner.true))
    assert taken.mean() > max(iou(refined, refiner.true).mean(), iou(refiner.noisy, refiner.true).mean()) - 0.005


def test_clean_boxes_are_all_kept():
    found, _, _ = PlayedRefiner(0.0).calibrate()
    assert found.noise_level < 0.12
    assert found.scores.max() < found.min_score


def test_small_noise_is_seen_in_the_pictures_alone():
    unseen, seen = (PlayedRefiner(0.1, hard=EASY, pictures=pictures).calibrate()[0] for pictures in (False, True))
    assert unseen.scores.max() < unseen.min_score
    assert seen.edges.for_refined
    taken = [score >= seen.min_score for score in seen.scores.tolist()]
    assert sum(taken) > 0.7 * COUNT


def test_clean_boxes_are_kept_where_the_edges_lie_between_them_and_the_refined_ones():
    refiner, shown = (PlayedRefiner(0.0, easy=0.09, hard=0.09, pictures=True) for _ in range(2))
    refiner.estimate = lambda boxes, rows=slice(None): 0.3
    shown.true = displaced(refiner.true, 0.43 * displacement(refiner.true, refiner.seen))
    refiner.read_image = shown.read_image
    found, _, _ = refiner.calibrate()
    assert not found.edges.for_noisy
    assert not found.edges.for_refined
    assert found.noise_level < 0.12
    assert found.scores.max() < found.min_score


def test_boxes_that_are_hardly_worse_are_kept():
    refiner = PlayedRefiner(0.08, hard=0.06, pictures=True)
    found, _, better = refiner.calibrate()
    assert found.edges.for_refined
    assert 0.5 < better.double().mean() < 0.75
    assert found.scores.max() < found.min_score


def test_boxes_that_sit_on_the_edges_are_kept_whatever_the_refiner_takes_for_noise():
    refiner = PlayedRefiner(0.0, hard=1.0, pictures=True)
    refiner.estimate = lambda boxes, rows=slice(None): 0.3
    found, _, _ = refiner.calibrate()
    assert found.edges.for_noisy
    assert found.scores.max() < found.min_score


@pytest.mark.parametrize(("error", "passes"), [(0.04, 2), (0.2, 1)])
def test_a_second_pass_is_for_those_who_err_more_by_the_noise_than_by_themselves(error, passes):
    refiner = PlayedRefiner(0.4, easy=error, hard=error)
    found, refined, _ = refiner.calibrate()
    assert found.passes == passes
    twice = (refined + refiner.refine(refined)[0]) / 2
    gain = iou(twice, refiner.true).mean() - iou(refined, refiner.true).mean()
    assert gain > 0.02 if passes == 2 else gain < 0


def test_noise_is_judged_by_how_one_refiner_responds_to_it_where_boxes_are_means_of_two():
    refiner = PlayedRefiner(0.2, hard=EASY, scatter=0.15, folds=2)
    refiner.estimate = lambda boxes, rows=slice(None): 0.3  # which the residuals limit
    assert refiner.calibrate()[0].noise_level == pytest.approx(0.22, abs=0.015)  # 0.25 by the means


@pytest.mark.parametrize("pulls", [0.25, 0.6])
def test_how_strong_noise_is_shows_in_how_far_boxes_moved(pulls):
    refiner = PlayedRefiner(0.4)
    refiner.estimate = lambda boxes, rows=slice(None): pulls
    assert refiner.calibrate()[0].noise_level == pytest.approx(0.4, abs=0.05)


def test_a_part_of_small_moves_is_taken_for_the_refiners_error():
    refiner = PlayedRefiner(0.15, easy=0.09, hard=0.09)
    assert refiner.calibrate()[0].noise_level == pytest.approx(0.15, abs=0.02)


def test_it_is_the_same_every_time():
    first, second = (PlayedRefiner(0.3).calibrate(images=100)[0] for _ in range(2))
    assert torch.equal(first.scores, second.scores)
    assert replace(first, scores=None) == replace(second, scores=None)
    assert first.rehearsed == 100


def test_no_more_images_are_refined_again_than_hold_the_objects_that_are_needed():
    image_ids = np.repeat(np.arange(100), 20)
    chosen = images_to_rehearse(image_ids, 500, 0, most_objects=250)
    assert len(chosen) == 13
    assert images_to_rehearse(image_ids, 500, 0, most_objects=2000).tolist()[:13] == chosen.tolist()
    assert len(images_to_rehearse(image_ids, 500, 0, most_objects=10**6)) == 100
    assert images_to_rehearse(image_ids, 5, 0).tolist() == chosen.tolist()[:5]


def test_too_few_boxes_teach_nothing():
    assert PlayedRefiner(0.3).calibrate(images=19)[0] is None


def test_without_usable_boxes_nothing_is_rehearsed():
    refiner = PlayedRefiner(0.3)
    empty = torch.zeros(0, 4, dtype=torch.float64)
    objects = FileObjects([], [], torch.zeros(0, 2), empty, empty, empty, torch.zeros(0, len(SIGNALS)))
    assert calibrate(objects, 0.3, refiner.refine_again, refiner.read_image, 10, seed=0) is None
