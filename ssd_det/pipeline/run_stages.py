"""The stages of a run, brought to their end and noted in its record."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ssd_det.annotations.json_files import JsonObject
from ssd_det.annotations.output import write_json
from ssd_det.errors import InputError
from ssd_det.pipeline.processes import Processes
from ssd_det.pipeline.progress import progress
from ssd_det.pipeline.sections import default_words, defaults_of
from ssd_det.pipeline.side_by_side import Lanes
from ssd_det.pipeline.stage import Stage
from ssd_det.runs.layout import RUN_RECORD
from ssd_det.runs.records import RunRecord


def advance_all(stages: Sequence[Stage], lanes: Lanes, run: Path, record: RunRecord, at_work: dict[Path, str]) -> None:
    """Bring all stages of a run to their end, and note in its record those that are.

    Args:
        stages: in their order.
        lanes: to run them in.
        run: the folder of the run.
        record: of the run.
        at_work: holds the labels and titles of stages that have begun and not ended, by folder.
    """
    ended: list[Stage] = []

    def advance(stage: Stage, processes: Processes) -> None:
        label = f"[{stages.index(stage) + 1}/{len(stages)}]"
        at_work[stage.folder] = f"{label} {stage.title}"
        how_far = progress(stages, ended, len(lanes.processes))
        stage.advance(processes, label, _defaults(stage, processes), how_far)

    def end(stage: Stage) -> None:
        del at_work[stage.folder]
        ended.append(stage)
        current = tuple(one.folder.relative_to(run).as_posix() for one in stages if one in ended)
        write_json(run / RUN_RECORD, replace(record, current=current).to_json())

    lanes.bring_to_end(stages, advance, end)


def _defaults(stage: Stage, processes: Processes) -> JsonObject | None:
    """What the settings of a stage are by default, where its record lacks some; asking takes the time of a start."""
    if not stage.lacks_settings():
        return None
    try:
        return defaults_of(processes.ask({stage.title: default_words(stage.settings)})[stage.title])
    except InputError:  # a class of a user's may have no defaults
        return None
