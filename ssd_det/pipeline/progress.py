"""How far a run has come, and how long the rest of it will take, as far as stages that have ended show that."""

from collections.abc import Sequence

from ssd_det.console import duration
from ssd_det.pipeline.stage import Stage
from ssd_det.runs.records import read_stage_record


def progress_at(stages: Sequence[Stage], number: int) -> str:
    """The line to print when a stage begins; empty where there is nothing to say.

    How long a stage will take is known if it has ended before, in this call or an earlier one, or one of its kind has.

    Args:
        stages: of the run.
        number: of the stage that begins, from 1 up.
    """
    seconds = [_seconds(stage) for stage in stages]
    of_kind = {stage.kind: time for stage, time in zip(stages, seconds, strict=True) if time is not None}
    done, rest = seconds[: number - 1], stages[number - 1 :]
    so_far = sum(time for time in done if time is not None)
    expected = [
        of_kind.get(stage.kind) if time is None else time
        for stage, time in zip(rest, seconds[number - 1 :], strict=True)
    ]
    known = [time for time in expected if time is not None]
    parts = [f"{duration(so_far)} so far"] if so_far else []
    parts += [f"{duration(sum(known))} left"] if len(known) == len(expected) else []
    return f"{', '.join(parts)}.".capitalize() if parts else ""


def _seconds(stage: Stage) -> float | None:
    """How long a stage took, if it has ended."""
    record = read_stage_record(stage.folder)
    return record.seconds if record is not None and record.finished else None
