"""How sure a refined box is, learnt without true boxes: refine once more where the truth is made up.

The refined boxes, moved by as much as the refiner is wrong itself, stand for the truth. Noise of the level that the
moves of most boxes tell is put on them, and they are refined again. How wrong the refiner is shows in how much the
noisy boxes differ from the refined ones, beyond what noise explains. What SPSD tells of the noise is put to the test as
well: noise that is known is estimated in the same way, and if that falls short the estimate is raised. Of what is done
to the boxes of the file, a second pass and a part of the way back to the noisy ones, only what helps those of the
rehearsal is done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ssd_det.annotations.edits.noise import perturb
from ssd_det.models.signals import EVIDENCE
from ssd_det.ops.blending import Blend, blended_unseen, fit_blend
from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.ops.calibration import (
    NONE_ACCEPTED,
    Response,
    best_threshold,
    fit_probability,
    level_with_error_known_to_differ,
    no_response,
    own_variance,
    relative_variance,
    response_to,
    typical_noise,
)
from ssd_det.ops.noise_level import LEAST_LEVEL, LEAST_OBJECTS, far_from_borders, noise_beside_error
from ssd_det.ops.parts import in_parts
from ssd_det.refining.edges import EdgeEvidence, ReadImage, compare_edges
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.second_pass import RefineAgain, means_of_two_passes
from ssd_det.refining.truth_check import TruthCheck

TRIAL_OBJECTS = 300  # of which the noise, and the response to it, are known to some 3 percent, and a gain to 0.002
REHEARSED_OBJECTS = 1000  # that scores are learnt from
FREEDOM = 3  # degrees of it in the refiner's own errors: most are small, and a few are large
LARGEST_ERROR = 4.0  # in deviations
LARGEST_CORRECTION = 1.5
LEAST_SHARE = 0.75  # of refined boxes that must be better where the noise is smaller


IntArray = NDArray[np.int64]


class Rehearsal(NamedTuple):
    """Boxes that were refined again, a row for each object; boxes are xyxy in pixels.

    Attributes:
        annotation_ids: of the objects.
        first_unseen: where those refiners that were not trained on the images found the objects at first.
        unseen: what they made of the noisy boxes.
        truth: what stood for the true boxes.
        noisy: noisy boxes of it.
        refined: what became of these.
        signals: of that pass.
        noise_level: as it is estimated from that pass.
    """

    annotation_ids: Sequence[int]
    first_unseen: Tensor
    unseen: Tensor
    truth: Tensor
    noisy: Tensor
    refined: Tensor
    signals: Tensor
    noise_level: float | None

    @property
    def response(self) -> Response:
        """How the boxes respond to noise that noise is judged by, those of refiners not trained on the images."""
        return response_to(displacement(self.first_unseen, self.noisy), displacement(self.first_unseen, self.unseen))

    @property
    def gains(self) -> Tensor:
        """By how much the IoU with the truth grew, ``Tensor[N]``."""
        return iou(self.refined, self.truth) - iou(self.noisy, self.truth)


class Outcomes(NamedTuple):
    """What became of boxes that were refined.

    Attributes:
        scores: ``Tensor[N]``, of the refined boxes.
        gains: ``Tensor[N]``, by how much the IoU with what stood for the truth grew.
        moves: ``Tensor[N, 4]``, displacements of the refined from the noisy boxes.
    """

    scores: Tensor
    gains: Tensor
    moves: Tensor


@dataclass(frozen=True)
class Calibration:
    """What rehearsals have shown.

    Attributes:
        scores: ``Tensor[N]``, for each object the probability that its refined box is closer to the truth than the
            noisy one.
        min_score: the score from which on refined boxes are worth taking.
        noise_level: of the boxes of the file, as the moves of most of them tell it. Below 0.12, by these, by SPSD or by
            the edges of the images, a network cannot tell it from its own error, and the boxes are taken for clean
            unless the edges say that the refined ones are better, and the rehearsal that at least three in four are.
        rehearsed: how many boxes were refined again.
        edges: what the edges say.
        learnt_from: what the scores were learnt from; nothing where all boxes are kept.
        passes: 2 where the means of the boxes of two passes are closer to the truth, and are judged.
        blend: of refined and noisy boxes, which is closer to the truth, and is judged; nothing where it is not.
        truth: what trusted boxes say, once they were asked.
    """

    scores: Tensor
    min_score: float
    noise_level: float
    rehearsed: int
    edges: EdgeEvidence
    learnt_from: Outcomes = field(compare=False)
    passes: int = 1
    blend: Blend | None = field(default=None, compare=False)
    truth: TruthCheck | None = None


def calibrate(
    objects: FileObjects,
    estimated_level: float,
    refine_again: RefineAgain,
    read_image: ReadImage,
    images: int,
    seed: int,
) -> Calibration | None:
    """Learn how sure refined boxes are.

    Args:
        objects: what the refiner found.
        estimated_level: of the noise of the boxes, as SPSD tells it.
        refine_again: refines other boxes in place of those of the file.
        read_image: gives an image by its id, ``[H, W, 3]``.
        images: rehearse on so many of them at most, and on no more than hold 1000 objects.
        seed: decides which, and the noise.

    Returns:
        What was learnt; ``None`` where there are fewer than 20 boxes to learn from.
    """
    if len(objects.annotation_ids) < LEAST_OBJECTS:
        return None
    residuals = in_parts(displacement, objects.unseen, objects.noisy)
    relative = relative_variance(residuals, objects.signals[:, :EVIDENCE])

    def rehearse(level: float, response: Response, most_objects: int) -> Rehearsal:
        chosen = _rows_in(objects.image_ids, images_to_rehearse(objects.image_ids, images, seed, most_objects))
        own = own_variance(residuals, relative[chosen], level / 3**0.5, response)
        return _rehearse(objects, chosen, own.sqrt(), level, refine_again, seed)

    trial = rehearse(estimated_level, no_response(), TRIAL_OBJECTS)
    if len(trial.truth) < LEAST_OBJECTS or not trial.noise_level:
        return None
    response = trial.response
    far = far_from_borders(objects.refined, objects.image_sizes).repeat(1, 2)  # where no noise is cut off
    level = typical_noise(residuals, response, far) * 3**0.5
    edges = _edges(objects, _rows_in(objects.image_ids, _choose(objects.image_ids, images, seed)), read_image, seed)

    def keep_all() -> Calibration:
        none = torch.zeros(len(residuals), dtype=torch.float64)
        nothing = Outcomes(none[:0], none[:0], residuals[:0])
        return Calibration(none, NONE_ACCEPTED, level, len(trial.truth), edges, nothing)

    by_edges = level_with_error_known_to_differ(residuals, response, edges.added_level)
    by_others = min(by_edges, _corrected(estimated_level, trial.noise_level))
    if by_others < LEAST_LEVEL:
        level = min(level, by_others)
    is_small = level < LEAST_LEVEL
    if edges.for_noisy or (is_small and not edges.for_refined):
        return keep_all()
    if is_small:  # rather too small than too large, so that few boxes move without need
        level = max(level, level_with_error_known_to_differ(residuals, no_response(), edges.added_level))
    else:
        level = noise_beside_error(level)
    trial = rehearse(level, response, REHEARSED_OBJECTS)
    trial, passes = _with_second_pass(trial, refine_again)
    if is_small and fit_probability(trial.signals, trial.gains > 0)(objects.signals).mean() < LEAST_SHARE:
        return keep_all()
    trial, blend = _with_blend(trial)
    probability = fit_probability(trial.signals, trial.gains > 0)
    outcomes = Outcomes(probability(trial.signals), trial.gains, displacement(trial.noisy, trial.refined))
    return Calibration(
        scores=probability(objects.signals),
        min_score=best_threshold(outcomes.scores, outcomes.gains),
        noise_level=level,
        rehearsed=len(trial.truth),
        edges=edges,
        learnt_from=outcomes,
        passes=passes,
        blend=blend,
    )


def _corrected(estimated_level: float, again: float) -> float:
    """The level of noise, where noise of the estimated level was put on boxes and estimated again.

    The refiner's own error only adds to what is estimated, so that an estimate below what was put on falls short.
    """
    return estimated_level * min(max(estimated_level / again, 1.0), LARGEST_CORRECTION)


def _with_second_pass(trial: Rehearsal, refine_again: RefineAgain) -> tuple[Rehearsal, int]:
    """A rehearsal with the means of the boxes of two passes, where these are better, and how many passes."""

    def means(chosen: slice) -> Tensor:
        boxes = trial.refined[chosen]
        return means_of_two_passes(trial.annotation_ids[chosen], boxes, boxes, refine_again).boxes

    some = slice(TRIAL_OBJECTS)
    gain = iou(means(some), trial.truth[some]) - iou(trial.refined[some], trial.truth[some])
    return (trial._replace(refined=means(slice(None))), 2) if gain.mean() > 0 else (trial, 1)


def _with_blend(trial: Rehearsal) -> tuple[Rehearsal, Blend | None]:
    """A rehearsal with boxes between the refined and the noisy ones, where these are better, and how they are made."""
    boxes = trial.noisy, trial.refined, trial.truth, trial.signals
    between = trial._replace(refined=blended_unseen(*boxes))
    return (between, fit_blend(*boxes)) if between.gains.mean() > trial.gains.mean() else (trial, None)


def _edges(objects: FileObjects, chosen: Tensor, read_image: ReadImage, seed: int) -> EdgeEvidence:
    """What the edges of the images say of some of the objects, by their rows."""
    image_ids = [objects.image_ids[row] for row in chosen.tolist()]
    return compare_edges(objects.noisy[chosen], objects.refined[chosen], image_ids, read_image, seed)


def images_to_rehearse(
    image_ids: Sequence[int], count: int, seed: int, most_objects: int = REHEARSED_OBJECTS
) -> IntArray:
    """The ids of the images that a rehearsal is on.

    Args:
        image_ids: of the image of each object.
        count: so many images at most.
        seed: decides which; the first of them are the same for all numbers of objects.
        most_objects: no more images than hold as many.
    """
    chosen = _choose(image_ids, count, seed)
    known, objects = np.unique(image_ids, return_counts=True)
    held = objects[np.searchsorted(known, chosen)].cumsum()
    return chosen[: np.searchsorted(held, most_objects) + 1]


def _choose(image_ids: Sequence[int], count: int, seed: int) -> IntArray:
    """The ids of some of the images."""
    chosen: IntArray = np.random.default_rng(seed % 2**64).permutation(np.unique(image_ids))[:count]
    return chosen


def _rows_in(image_ids: Sequence[int], chosen: IntArray) -> Tensor:
    """The rows of the objects in some of the images, ``LongTensor[M]``."""
    return torch.from_numpy(np.flatnonzero(np.isin(image_ids, chosen)))


def _rehearse(
    objects: FileObjects, chosen: Tensor, own: Tensor, noise_level: float, refine_again: RefineAgain, seed: int
) -> Rehearsal:
    """Make up a truth and noisy boxes of it, and refine these.

    Args:
        objects: what the refiner found.
        chosen: ``LongTensor[M]``, the rows of those to take.
        own: ``Tensor[M, 4]``, deviation of the refiner's own error for each of them.
        noise_level: of the noise.
        refine_again: refines other boxes in place of those of the file.
        seed: decides error and noise.
    """
    random = np.random.default_rng(seed % 2**64)
    wildness = random.standard_t(FREEDOM, (len(chosen), 4)) / np.sqrt(FREEDOM / (FREEDOM - 2))
    errors = torch.from_numpy(wildness.clip(-LARGEST_ERROR, LARGEST_ERROR)) * own
    noise = random.uniform(-1, 1, (len(chosen), 4)) * noise_level
    truth = displaced(objects.refined[chosen], -errors)
    noisy = torch.from_numpy(perturb(truth.numpy(), noise, objects.image_sizes[chosen].numpy()))
    ids = [objects.annotation_ids[row] for row in chosen.tolist()]
    again = refine_again(ids, noisy)
    rows = again.rows_of(ids)
    refined = rows >= 0
    return Rehearsal(
        annotation_ids=list(compress(ids, refined.tolist())),
        first_unseen=objects.unseen[chosen][refined],
        unseen=again.unseen_boxes[rows[refined]],
        truth=truth[refined],
        noisy=noisy[refined],
        refined=again.boxes[rows[refined]],
        signals=again.signals[rows[refined]],
        noise_level=again.noise_level,
    )
