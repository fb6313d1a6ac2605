"""How far a run has come, and how long the rest of it will take, as far as stages that have ended show that."""

from collections.abc import Sequence

from ssd_det.console import duration
from ssd_det.pipeline.stage import Stage
from ssd_det.runs.records import read_stage_record


def progress(stages: Sequence[Stage], ended: Sequence[Stage], side_by_side: int = 1) -> str:
    """The line to print when a stage begins; empty where there is nothing to say.

    How long a stage will take is known if it has ended before, in this call or an earlier one, or one of its kind has.

    Args:
        stages: of the run.
        ended: those of them that this call has brought to their end.
        side_by_side: how many run at the same time; as many times faster the run is taken to be.
    """
    seconds = [(stage, _seconds(stage)) for stage in stages]
    of_kind = {stage.kind: time for stage, time in seconds if time is not None}
    so_far = sum(time for stage, time in seconds if time is not None and stage in ended)
    rest = [of_kind.get(stage.kind) if time is None else time for stage, time in seconds if stage not in ended]
    known = [time for time in rest if time is not None]
    parts = [f"{duration(so_far / side_by_side)} so far"] if so_far else []
    parts += [f"{duration(sum(known) / side_by_side)} left"] if len(known) == len(rest) else []
    return f"{', '.join(parts)}.".capitalize() if parts else ""


def _seconds(stage: Stage) -> float | None:
    """How long a stage took, if it has ended."""
    record = read_stage_record(stage.folder)
    return record.seconds if record is not None and record.finished else None
