"""How sure a refined box is, learnt without true boxes: refine once more where the truth is made up.

The refined boxes, moved by as much as the refiner is wrong itself, stand for the truth. Noise of the estimated level
is put on them, and they are refined again. How wrong the refiner is shows in how much the noisy boxes differ from the
refined ones, beyond what noise explains.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ssd_det.data.noise import perturb
from ssd_det.models.signals import EVIDENCE
from ssd_det.ops.boxes import displaced, displacement, iou
from ssd_det.ops.calibration import (
    best_threshold,
    fit_probability,
    no_response,
    own_variance,
    relative_variance,
    response_to,
)

Corners = tuple[float, float, float, float]

ROUNDS = 2
LEAST_OBJECTS = 20
LEAST_SIDE = 1e-3


class Found(NamedTuple):
    """A refined box, xyxy in pixels of the original image, the IoU predicted for it, and the signals of the pass."""

    box: Corners
    predicted_iou: float
    signals: list[float]


RefineAgain = Callable[[Mapping[int, Corners]], Mapping[int, Found]]


@dataclass(frozen=True)
class Objects:
    """What a pass over an annotation file found, a row for each object; boxes are xyxy in pixels.

    Attributes:
        ids: of the annotations.
        image_ids: of their images.
        image_sizes: ``Tensor[N, 2]``, (height, width).
        noisy: ``Tensor[N, 4]``.
        refined: ``Tensor[N, 4]``, with area.
        signals: ``Tensor[N, S]``, see :data:`ssd_det.models.signals.SIGNALS`.
    """

    ids: Sequence[int]
    image_ids: Sequence[int]
    image_sizes: Tensor
    noisy: Tensor
    refined: Tensor
    signals: Tensor


class Rehearsal(NamedTuple):
    """Boxes that were refined again, a row for each object; boxes are xyxy in pixels.

    Attributes:
        seen: where the refiner saw the objects at first.
        truth: what stood for the true boxes.
        noisy: noisy boxes of it.
        refined: what became of these.
        signals: of that pass.
    """

    seen: Tensor
    truth: Tensor
    noisy: Tensor
    refined: Tensor
    signals: Tensor


@dataclass(frozen=True)
class Calibration:
    """What rehearsals have shown.

    Attributes:
        scores: by annotation id, the probability that the refined box is closer to the truth than the noisy one.
        min_score: the score from which on refined boxes are worth taking.
        rehearsed: how many boxes were refined again.
    """

    scores: dict[int, float]
    min_score: float
    rehearsed: int


def calibrate(
    objects: Objects, noise_deviation: float, refine_again: RefineAgain, images: int, seed: int
) -> Calibration | None:
    """Learn how sure refined boxes are.

    Args:
        objects: what the refiner found.
        noise_deviation: of the noise of the boxes, in units of a box.
        refine_again: refines boxes, xyxy in pixels by annotation id, in the place of those of the file.
        images: rehearse on so many of them at most.
        seed: decides which, and the noise.

    Returns:
        What was learnt; ``None`` where there are fewer than 20 boxes to learn from.
    """
    residuals = displacement(objects.refined, objects.noisy)
    relative = relative_variance(residuals, objects.signals[:, :EVIDENCE])
    chosen = _choose(objects.image_ids, images, seed)
    response = no_response()
    for round_ in range(ROUNDS):
        own = own_variance(residuals, relative, noise_deviation, response)
        trial = _rehearse(objects, chosen, own.sqrt(), noise_deviation, refine_again, seed + round_)
        if len(trial.truth) < LEAST_OBJECTS:
            return None
        response = response_to(displacement(trial.seen, trial.noisy), displacement(trial.seen, trial.refined))
    before, after = iou(trial.noisy, trial.truth), iou(trial.refined, trial.truth)
    probability = fit_probability(trial.signals, after > before)
    scores = probability(objects.signals).tolist()
    return Calibration(
        scores=dict(zip(objects.ids, scores, strict=True)),
        min_score=best_threshold(probability(trial.signals), after - before),
        rehearsed=len(trial.truth),
    )


def _choose(image_ids: Sequence[int], count: int, seed: int) -> Tensor:
    """Places of the objects in some of the images."""
    known = np.unique(image_ids)
    chosen = np.random.default_rng(seed).permutation(known)[:count]
    return torch.from_numpy(np.flatnonzero(np.isin(image_ids, chosen)))


def _rehearse(
    objects: Objects, chosen: Tensor, own: Tensor, noise_deviation: float, refine_again: RefineAgain, seed: int
) -> Rehearsal:
    """Make up a truth and noisy boxes of it, and refine these.

    Args:
        objects: what the refiner found.
        chosen: ``LongTensor[M]``, the places of those to take.
        own: ``Tensor[N, 4]``, deviation of the refiner's own error for each object.
        noise_deviation: of the noise, in units of a box.
        refine_again: refines boxes by annotation id.
        seed: decides error and noise.
    """
    random = np.random.default_rng(seed)
    errors = torch.from_numpy(random.standard_normal((len(chosen), 4))) * own[chosen]
    noise = random.uniform(-1, 1, (len(chosen), 4)) * noise_deviation * np.sqrt(3)
    seen = objects.refined[chosen]
    truth = displaced(seen, -errors)
    noisy = torch.from_numpy(perturb(truth.numpy(), noise, objects.image_sizes[chosen].numpy()))
    ids = [objects.ids[place] for place in chosen.tolist()]
    found = refine_again(dict(zip(ids, map(tuple, noisy.tolist()), strict=True)))
    kept = [row for row, key in enumerate(ids) if key in found and has_area(found[key].box)]
    again = [found[ids[row]] for row in kept]
    return Rehearsal(
        seen=seen[kept],
        truth=truth[kept],
        noisy=noisy[kept],
        refined=torch.tensor([entry.box for entry in again], dtype=torch.float64).reshape(-1, 4),
        signals=torch.tensor([entry.signals for entry in again], dtype=torch.float64),
    )


def has_area(box: Corners) -> bool:
    """Whether a box is more than a line."""
    x1, y1, x2, y2 = box
    return x2 - x1 > LEAST_SIDE and y2 - y1 > LEAST_SIDE
