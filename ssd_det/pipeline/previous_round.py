"""A run that goes on from another, the round before, after a person has looked at its boxes."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path

from ssd_det.annotations.coco import read_coco
from ssd_det.annotations.json_files import JsonObject
from ssd_det.errors import InputError
from ssd_det.pipeline.changes import differences
from ssd_det.pipeline.sections import checkpoint_callbacks
from ssd_det.pipeline.stage import Stage, starting_from
from ssd_det.runs.earlier_rounds import rounds_before
from ssd_det.runs.layout import CHECKPOINT, CORRECTED, REFINED, corrected_file
from ssd_det.runs.records import ResolvedSection, current_stages, read_run_record

SHARE = 1 / 4  # of the epochs: networks that know the pictures learn the boxes that have moved


@dataclass(frozen=True)
class PreviousRound:
    """What a round takes over from the one before.

    Attributes:
        run: its folder.
        finished: folders of its stages that are up to date.
        resolved: its configurations, by section.
    """

    run: Path
    finished: tuple[str, ...]
    resolved: Mapping[str, ResolvedSection]

    @property
    def sentence(self) -> str:
        """Which round follows, and on what."""
        number = len(rounds_before(self.run)) + 2
        return f"Round {number} goes on from {self.run}: its trainings have {SHARE:.0%} of their epochs."

    @property
    def trusted(self) -> Path | None:
        """The file with its trusted boxes, which stay trusted; ``None`` if it had none."""
        path = corrected_file(self.run)
        if CORRECTED not in self.finished or not path.is_file():
            return None
        return path if any(annotation.trusted for annotation in read_coco(path).annotations) else None

    def check_models(self, settings: Mapping[str, JsonObject]) -> None:
        """Make sure that networks are of the same kind, so that they can start from those of this round.

        Args:
            settings: of the round that follows, by section.

        Raises:
            InputError: if one is not; it names the first setting that differs.
        """
        for section, own in settings.items():
            found = differences(self.resolved[section].settings["model"], own["model"], {}, f"{section}.model")
            for name, old, new in found:
                short = name.replace("init_args.", "")
                raise InputError(
                    f"{self.run}: was made with {short} {old}, not {new}: "
                    f"a round has the models of the one before: leave them as they were, or previous_round out."
                )

    def continued(self, stages: Sequence[Stage], run: Path) -> list[Stage]:
        """The stages of the round that follows, whose trainings start from those of this one and take less time.

        Args:
            stages: of a run that goes on from nothing.
            run: the folder of the round that follows.

        Raises:
            InputError: if this round does not have one of the trainings.
        """
        return [self._continued(stage, run) if stage.resumable else stage for stage in stages]

    def _continued(self, stage: Stage, run: Path) -> Stage:
        folder = stage.folder.relative_to(run)
        checkpoint = self.run / folder / CHECKPOINT
        if folder.as_posix() not in self.finished or not checkpoint.is_file():
            raise InputError(
                f"{self.run}: has no finished {folder}: run the pipeline there to its end first, "
                f"and give this round the same refine.config and folds."
            )
        return starting_from(checkpoint, replace(stage, settings=shortened(stage.settings)))


def read_previous_round(previous: Path, run: Path, inputs: Mapping[str, str], others: Sequence[str]) -> PreviousRound:
    """Read the round before a run's, and make sure that the run can go on from it.

    Args:
        previous: its folder.
        run: the folder of the run.
        inputs: of the run, by name, which must be the same but for the trusted boxes.
        others: settings of the run that do not go with a round before.

    Raises:
        InputError: if it cannot.
    """
    record = read_run_record(previous)
    if record is None:
        raise InputError(f"{previous}: holds no run of the pipeline: give the output of the round before.")
    if run in (previous, *rounds_before(previous)):
        raise InputError(f"{run}: is the round before, or one before that: give another output, so that it stays.")
    if others:
        raise InputError(f"{' and '.join(others)}: a round that goes on from {previous} has none: leave it out.")
    if "trusted" not in inputs:
        raise InputError(
            f"{previous}: is the round before, but nothing was checked since: "
            f"give --trusted, the decisions.json that its page exported."
        )
    for name, path in inputs.items():
        recorded = record.inputs.get(name, path)
        if name != "trusted" and recorded != path and Path(recorded).exists():
            raise InputError(
                f"{previous}: is a run on other data: its {name} is {recorded}, not {path}: give the round before."
            )
    finished = tuple(current_stages(previous))
    if REFINED not in finished:
        raise InputError(f"{previous}: has no refined boxes yet: run the pipeline there to its end first.")
    return PreviousRound(previous, finished, record.resolved)


def shortened(settings: JsonObject) -> JsonObject:
    """A copy of the settings of a training for :data:`SHARE` of its epochs, with the schedule of the rate in step."""
    changed = copy.deepcopy(settings)
    trainer, model = changed["trainer"], changed["model"]["init_args"]
    every = max((entry["init_args"].get("every_n_epochs") or 1 for entry in checkpoint_callbacks(changed)), default=1)
    for name, unit in (("max_epochs", every), ("max_steps", 1)):
        asked = trainer.get(name)
        if isinstance(asked, int) and asked > 0:
            trainer[name] = ceil(asked * SHARE / unit) * unit  # the last epoch must leave a checkpoint
    if milestones := model.get("milestones"):
        model["milestones"] = sorted({max(1, int(epoch * SHARE)) for epoch in milestones})
    if warmup := model.get("warmup_steps"):
        model["warmup_steps"] = ceil(warmup * SHARE)
    return changed
