"""What a run of the pipeline has reached, read from its folder."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TypeVar

from ssd_det.annotations.coco import CocoFile, read_coco
from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.report.detector_quality import DetectorMetrics
from ssd_det.report.quality import Statistics
from ssd_det.report.reliability import Bin, Reliability
from ssd_det.report.rounds import Rounds, measure_rounds
from ssd_det.report.training_curves import TrainingCurve, training_curves
from ssd_det.report.trusted_reliability import TrustedReliability, trusted_reliability
from ssd_det.runs.earlier_rounds import rounds_before
from ssd_det.runs.layout import (
    METRICS,
    QUALITY,
    REFINED,
    RUN_RECORD,
    TEST_FOLDERS,
    TRUE,
    Boxes,
    refined_file,
    true_file,
)
from ssd_det.runs.records import current_stages, damaged, read_stage_record
from ssd_det.value_types import fits

WINNERS: tuple[Boxes, ...] = ("joint", "refined")

Product = TypeVar("Product")


@dataclass(frozen=True)
class WonBack:
    """The shares of the lost ``ap``, ``ap_50`` and ``ap_75`` that refining won back, ``None`` where not known."""

    ap: float | None
    ap_50: float | None
    ap_75: float | None


@dataclass(frozen=True)
class RefinedQuality:
    """What the results of a run take from quality.json.

    Attributes:
        before: of the boxes before refining, ``None`` where they are not known.
        after: of the refined boxes.
        scores: how reliable those of refined boxes are, ``None`` where there are none.
    """

    before: Statistics | None
    after: Statistics
    scores: Reliability | None

    @classmethod
    def from_json(cls, content: JsonObject) -> "RefinedQuality":
        """Read the content of quality.json.

        Raises:
            KeyError: if a key is missing.
            TypeError: if a value is of another kind.
        """
        before, scores = content["before"], content.get("scores")
        return cls(
            before=Statistics(**before["all"]) if before else None,
            after=Statistics(**content["after"]["all"]),
            scores=Reliability(**{**scores, "bins": [Bin(**entry) for entry in scores["bins"]]}) if scores else None,
        )


@dataclass(frozen=True)
class RunResults:
    """What a run has reached.

    Attributes:
        detectors: what ``test`` measured, by the boxes trained on, ``None`` where it was not run.
        won_back: the share of what the noise had cost that refining won back, for the detectors on refined boxes that
            were tested.
        quality: of the boxes, ``before`` and ``after`` refining, as far as they are known.
        scores: how reliable those of refined boxes are, ``None`` where this is not known.
        trusted: how refined boxes compare with trusted ones, ``None`` where there are none.
        seconds: wall time of each stage by its title.
        curves: of the trainings; results.json leaves them out.
        rounds: this one and those before, ``None`` where it is the first.
    """

    detectors: dict[Boxes, DetectorMetrics | None]
    won_back: dict[Boxes, WonBack]
    quality: dict[str, Statistics]
    scores: Reliability | None
    trusted: TrustedReliability | None
    seconds: dict[str, float]
    curves: dict[str, TrainingCurve]
    rounds: Rounds | None = None

    @property
    def total_seconds(self) -> float:
        """Wall time of all stages."""
        return sum(self.seconds.values())

    def to_json(self) -> JsonObject:
        """The content of results.json."""
        return {
            "detectors": {boxes: metrics and metrics.to_json() for boxes, metrics in self.detectors.items()},
            "won_back": {boxes: asdict(shares) for boxes, shares in self.won_back.items()},
            "quality": {stage: asdict(statistics) for stage, statistics in self.quality.items()} or None,
            "scores": asdict(self.scores) if self.scores else None,
            **({"trusted": asdict(self.trusted)} if self.trusted else {}),
            **({"rounds": asdict(self.rounds)} if self.rounds else {}),
            "seconds": self.seconds,
        }


def read_results(run: Path, refined: CocoFile | None = None) -> RunResults:
    """Collect the results of a run, of the stages that its last call found or made up to date.

    Args:
        run: its folder.
        refined: its refined file, which is judged by trusted boxes in it.

    Raises:
        InputError: if the folder is not a run's, or a file in it is not as the pipeline left it.
    """
    current = current_stages(run)
    detectors = {
        boxes: _read_product(run, folder, METRICS, current, DetectorMetrics.from_json)
        for boxes, folder in TEST_FOLDERS.items()
    }
    quality = _read_product(run, REFINED, QUALITY, current, RefinedQuality.from_json)
    stages = {"before": quality.before, "after": quality.after} if quality else {}
    records = [read_stage_record(run / folder) for folder in current]
    results = RunResults(
        detectors=detectors,
        won_back={
            winner: _all_won_back(detectors["noisy"], metrics, detectors["clean"])
            for winner in WINNERS
            if (metrics := detectors[winner])
        },
        quality={stage: statistics for stage, statistics in stages.items() if statistics},
        scores=quality.scores if quality else None,
        trusted=trusted_reliability(refined) if refined else None,
        seconds={record.title: record.seconds for record in records if record},
        curves=training_curves(run),
    )
    earlier = rounds_before(run)
    return replace(results, rounds=_rounds(run, earlier, results, refined)) if earlier and refined else results


def read_boxes(run: Path) -> tuple[CocoFile, CocoFile | None]:
    """The refined file of a run, and its true boxes where they are known.

    Raises:
        InputError: if there is no refined file.
    """
    current = current_stages(run)
    if REFINED not in current or not refined_file(run).is_file():
        raise InputError(f"{run}: has no refined boxes yet: run the pipeline to its end.")
    return read_coco(refined_file(run)), read_coco(true_file(run)) if TRUE in current else None


def won_back(noisy: float | None, refined: float | None, clean: float | None) -> float | None:
    """Share of the AP lost to noise that is won back (method, section 10); ``None`` where nothing is lost."""
    if noisy is None or refined is None or clean is None or clean <= noisy:
        return None
    return (refined - noisy) / (clean - noisy)


def _rounds(run: Path, earlier: Sequence[Path], results: RunResults, refined: CocoFile) -> Rounds:
    """What a run and the rounds before it have made of the boxes, and reached with them."""
    paths = [refined_file(folder) for folder in earlier]
    names = [f"round {number} ({folder.name})" for number, folder in enumerate((*earlier, run), start=1)]
    measured = measure_rounds(names, [*(read_coco(path) if path.is_file() else None for path in paths), refined])
    reached = [read_results(folder) if (folder / RUN_RECORD).is_file() else None for folder in earlier]
    before, *rounds = measured.rounds
    with_reached = [
        replace(one, ap=metrics.ap if (metrics := found.detectors["refined"]) else None, seconds=found.total_seconds)
        if found
        else one
        for one, found in zip(rounds, (*reached, results), strict=True)
    ]
    noisy = next((metrics.ap for found in (*reached, results) if found and (metrics := found.detectors["noisy"])), None)
    return replace(measured, rounds=(replace(before, ap=noisy), *with_reached))


def _all_won_back(noisy: DetectorMetrics | None, refined: DetectorMetrics, clean: DetectorMetrics | None) -> WonBack:
    if noisy is None or clean is None:
        return WonBack(None, None, None)
    return WonBack(*map(won_back, noisy.main, refined.main, clean.main))


def _read_product(
    run: Path, folder: str, name: str, current: Sequence[str], parse: Callable[[JsonObject], Product]
) -> Product | None:
    """A json file that a stage left, if the stage is up to date.

    Raises:
        InputError: if it is not json, or holds something else.
    """
    path = run / folder / name
    if folder not in current or not path.is_file():
        return None
    try:
        product = parse(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged(path) from None
    if not fits(product, type(product)):
        raise damaged(path)
    return product
