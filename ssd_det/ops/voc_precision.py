"""The average precision of Pascal VOC, as the area under the whole precision-recall curve."""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Booleans = npt.NDArray[np.bool_]


def voc_average_precision(scores: Array, correct: Booleans, objects: int) -> float:
    """Area under the whole precision-recall curve, with precision made monotonically decreasing (since VOC 2010).

    Args:
        scores: ``[N]``, of the detections of a class in all images.
        correct: ``[N]``, whether each detection is a hit.
        objects: how many there are to find, at least one.

    Returns:
        A number in [0, 1].
    """
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(correct[order])
    recall = np.concatenate([[0.0], hits / objects])
    precision = np.concatenate([hits / np.arange(1, len(hits) + 1), [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall) * envelope[:-1]).sum())


def voc_matches(
    overlaps: Array, scores: Array, difficult: Booleans, threshold: float = 0.5
) -> tuple[Booleans, Booleans]:
    """Decide which detections of a class in an image are hits: each claims the object it overlaps most, once.

    Args:
        overlaps: ``[N, M]``, IoU of each detection with each object of the class.
        scores: ``[N]``, of the detections.
        difficult: ``[M]``, whether an object need not be found.
        threshold: the least IoU of a hit.

    Returns:
        ``[N]`` whether each is a hit: the detection with the highest score among those that claim an object, if that is
        not difficult; and ``[N]`` whether it counts at all: not if it claims a difficult object.
    """
    correct, counted = np.zeros(len(scores), dtype=bool), np.ones(len(scores), dtype=bool)
    if not overlaps.size:
        return correct, counted
    order = np.argsort(-scores, kind="stable")
    claimed = overlaps[order].argmax(axis=1)
    close = overlaps[order].max(axis=1) >= threshold
    _, first = np.unique(claimed[close], return_index=True)
    correct[order[np.flatnonzero(close)[first]]] = True
    counted[order] = ~(close & difficult[claimed])
    return correct & counted, counted
