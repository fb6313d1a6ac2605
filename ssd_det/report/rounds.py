"""What rounds with a person have made of the boxes, judged by all boxes that are trusted by now."""

from collections.abc import Sequence
from dataclasses import dataclass

from ssd_det.annotations.coco import CocoFile
from ssd_det.annotations.untrusted import as_untrusted
from ssd_det.ops.box_types import Xywh
from ssd_det.ops.boxes import corners, iou


@dataclass(frozen=True)
class Round:
    """A round, or what was there before the first.

    Attributes:
        name: ``before``, or the number of the round and the folder of its run.
        trusted: how many boxes were trusted in it; ``None`` where its file is not there any more, as all that follows.
        refined: how many others it refined.
        mean_iou: of what it made, or would have made, of boxes that nobody had checked, with the ``judged`` ones.
        ap: of the detector on its boxes, ``None`` also where it was not tested.
        seconds: wall time of its stages.
    """

    name: str
    trusted: int | None = None
    refined: int | None = None
    mean_iou: float | None = None
    ap: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Rounds:
    """All rounds up to that of a run.

    Attributes:
        judged: how many trusted boxes of the last round all of them are judged by.
        rounds: what was there before, and then each round.
    """

    judged: int
    rounds: tuple[Round, ...]


def measure_rounds(names: Sequence[str], files: Sequence[CocoFile | None]) -> Rounds:
    """Judge the boxes of rounds by the trusted boxes of the last.

    Args:
        names: of the rounds.
        files: the refined file of each, ``None`` for one that is not there any more; the last is there.
    """
    last = files[-1]
    assert last is not None
    known = {index: _unchecked(file) for index, file in enumerate(files) if file is not None}
    _, trusted = as_untrusted(last)
    # A box that was trusted before it was known what it would be else says nothing.
    judged = [key for key in trusted if all(key in boxes for boxes in known.values())]
    true = corners([trusted[key] for key in judged])
    noisy = {annotation.id: annotation.unrefined for annotation in last.annotations}

    def mean_iou(boxes: dict[int, Xywh]) -> float | None:
        return iou(corners([boxes[key] for key in judged]), true).mean().item() if judged else None

    rounds = [Round("before", 0, 0, mean_iou(noisy))]
    for index, (name, file) in enumerate(zip(names, files, strict=True)):
        if file is None:
            rounds.append(Round(name))
        else:
            rounds.append(Round(name, _trusted(file), _refined(file), mean_iou(known[index])))
    return Rounds(len(judged), tuple(rounds))


def _unchecked(file: CocoFile) -> dict[int, Xywh]:
    """What boxes are, or would be, had nobody checked them, by annotation id, as far as that is known."""
    unchecked, trusted = as_untrusted(file)
    return {a.id: a.bbox for a in unchecked.annotations if a.id in trusted or not a.trusted}


def _trusted(file: CocoFile) -> int:
    return sum(annotation.trusted for annotation in file.annotations)


def _refined(file: CocoFile) -> int:
    return sum(not a.trusted and file.entry(a).get("refine_score") is not None for a in file.annotations)
