"""Which stages of a run come before which."""

from collections.abc import Sequence
from pathlib import Path

from ssd_det.pipeline.stage import Stage


def stands_alone(stage: Stage, stages: Sequence[Stage]) -> bool:
    """Whether no stage that trains, refines or tests can run beside a stage: all come before or after it.

    Args:
        stage: one of the stages.
        stages: of a run.
    """
    earlier = _all_before(stage, stages)
    return all(
        other.folder in earlier or stage.folder in _all_before(other, stages)
        for other in stages
        if other is not stage and other.settings
    )


def _all_before(stage: Stage, stages: Sequence[Stage]) -> set[Path]:
    """The folders of the stages that must have ended before a stage begins."""
    direct = [other for other in stages if other is not stage and stage.reads(other)]
    return {other.folder for other in direct}.union(*(_all_before(other, stages) for other in direct))
