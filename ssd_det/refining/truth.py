"""What trusted boxes say of the refined ones: where a rehearsal says something else, they are right.

A rehearsal cannot see an error that all boxes share, and is sure of boxes that have it. Trusted boxes see it: how often
refined boxes are closer, and whether it is those that grew, shrank, or went one way.
"""

from collections.abc import Mapping
from dataclasses import replace

import torch

from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import displacement, iou
from ssd_det.ops.calibration import NONE_ACCEPTED, best_threshold
from ssd_det.ops.parts import in_parts
from ssd_det.ops.recalibration import fit_recalibration, recalibrated_unseen
from ssd_det.refining.file_objects import FileObjects
from ssd_det.refining.rehearsal import Calibration
from ssd_det.refining.truth_check import check_expected

LEAST_TRUSTED = 10
LEAST_MOVE = 1e-6  # in units of the box
REHEARSED_COUNT = 20  # trusted boxes that the whole rehearsal counts as much as, when it is decided what to take


def with_truth(calibration: Calibration, objects: FileObjects, trusted: Mapping[int, Xywh]) -> Calibration:
    """Fit scores, and which of them are worth taking, to trusted boxes; fewer than 10 of them change nothing.

    Args:
        calibration: what the rehearsal has shown.
        objects: what a pass found for the objects of the file, from boxes that nobody has checked.
        trusted: boxes xywh, by annotation id, of some of the objects.

    Returns:
        The calibration with the scores of all objects corrected, those of the trusted ones by fits that have not seen
        them. Refiners that were not trained on an image are judged, where there are some.
    """
    rows, true = objects.known(trusted)
    if len(rows) < LEAST_TRUSTED:
        return calibration
    gains = iou(objects.unseen[rows], true) - iou(objects.noisy[rows], true)
    closer = gains > 0
    moves = in_parts(displacement, objects.noisy, objects.refined)
    usual = moves.square().mean(dim=0).sqrt().clamp(min=LEAST_MOVE)
    moves, expected = moves / usual, calibration.scores[rows]
    recalibration = fit_recalibration(expected, moves[rows], closer)
    scores = recalibration(calibration.scores, moves)
    scores[rows] = recalibrated_unseen(expected, moves[rows], closer)
    check = check_expected(closer, expected)
    learnt_from = calibration.learnt_from
    rehearsed = recalibration(learnt_from.scores, learnt_from.moves / usual)
    weight = REHEARSED_COUNT / max(len(rehearsed), 1)
    min_score = best_threshold(torch.cat([scores[rows], rehearsed]), torch.cat([gains, learnt_from.gains * weight]))
    if calibration.min_score == NONE_ACCEPTED and check.low <= 1 / 2:
        min_score = NONE_ACCEPTED  # by chance alone, some threshold seems worth while
    return replace(calibration, scores=scores, min_score=min_score, truth=check)
